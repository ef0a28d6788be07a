// qwex daemon …: the process behind it all. Each word has its file in cli/daemon-control/.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { integerIn } from '../input/values.ts';

interface JsonFlag {
  json?: boolean;
}

export function register(program: Command, context: Context): Command {
  const daemon = program
    .command('daemon')
    .summary('start, stop and inspect the daemon')
    .description(
      'The daemon queues and starts runs. It starts by itself when it is needed; runs go on without it.',
    )
    .addHelpText('after', EXAMPLES);
  daemon
    .command('start')
    .description('start it, if none serves')
    .option('-q, --quiet', 'say nothing')
    .option('--json', 'print JSON')
    .action(async (flags: JsonFlag) => (await import('../daemon-control/control.ts')).start(context, flags));
  daemon
    .command('stop')
    .description('stop it and wait until it is gone; running runs go on')
    .option('--json', 'print JSON')
    .action(async (flags: JsonFlag) => (await import('../daemon-control/control.ts')).stop(context, flags));
  daemon
    .command('restart')
    .description('stop it and start it again, after an upgrade for example')
    .option('--json', 'print JSON')
    .action(async (flags: JsonFlag) =>
      (await import('../daemon-control/control.ts')).restart(context, flags),
    );
  daemon
    .command('status')
    .description('does one serve, since when, and with how many runs')
    .option('--json', 'print JSON')
    .action(async (flags: JsonFlag) => (await import('../daemon-control/control.ts')).status(context, flags));
  daemon
    .command('logs')
    .description("the daemon's own log")
    .option('-f, --follow', 'go on')
    .option('-n, --number <n>', 'how many lines', integerIn(0, 1_000_000), 100)
    .option('--json', 'print the lines as they are: JSON')
    .action(async (flags) => (await import('../daemon-control/log.ts')).showLog(context, flags));
  daemon
    .command('install')
    .description('start it at boot: a systemd unit of your own')
    .option('--print', 'only print the unit')
    .action(async (flags) => (await import('../daemon-control/install.ts')).install(context, flags));
  return daemon;
}

const EXAMPLES = `
Examples:
  qwex daemon status
  qwex daemon logs -f
  qwex daemon install          # the queue goes on after a logout or a reboot`;
