// qwex logs: what a run wrote, byte for byte.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { follow } from '../follow/follow.ts';
import { printLogs } from '../follow/print-logs.ts';
import { integerIn } from '../input/values.ts';

interface LogsFlags {
  follow?: boolean;
  number?: number;
  stdout?: boolean;
  stderr?: boolean;
  json?: boolean;
}

export function register(program: Command, context: Context): Command {
  return program
    .command('logs')
    .summary('what a run wrote')
    .description('Prints what a run wrote: its stdout on stdout, its stderr on stderr.')
    .argument('[id]', 'the run; the latest one by default', '@')
    .option('-f, --follow', 'go on until the run has ended')
    .option('-n, --number <n>', 'only the last lines of each stream', integerIn(0, Number.MAX_SAFE_INTEGER))
    .option('--stdout', 'only stdout')
    .option('--stderr', 'only stderr')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  qwex logs train\n  qwex logs -n 50 @\n  qwex logs -f 3f2a91c3 2>/dev/null',
    )
    .action((id: string, flags: LogsFlags) => logs(context, id, flags));
}

async function logs(context: Context, id: string, flags: LogsFlags): Promise<void> {
  const runner = await context.runner();
  const { id: fullId } = await runner.get(id);
  const { number: tailLines, json = false } = flags;
  const only = flags.stdout === flags.stderr ? undefined : flags.stdout ? 'stdout' : 'stderr';
  if (flags.follow) {
    await follow(context, { id: fullId }, { tailLines, json, only, outputOnly: true });
  } else if (json) {
    context.terminal.printJson(await runner.logs(fullId, { tail: tailLines, stream: only }));
  } else {
    await printLogs(context, fullId, { tailLines, only });
  }
}
