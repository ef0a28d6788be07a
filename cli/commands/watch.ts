// qwex watch: output and status of a run, live, until it has ended.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { followToExit } from '../follow/to-exit.ts';
import { integerIn } from '../input/values.ts';

interface WatchFlags {
  number?: number;
  json?: boolean;
}

export function register(program: Command, context: Context): Command {
  return program
    .command('watch')
    .summary('live output and status of a run')
    .description(
      "Shows a run's output and status live until it has ended, and exits with its code. It goes on when the " +
        'daemon is restarted. An interrupt leaves the run running.',
    )
    .argument('[id]', 'the run; the latest one by default', '@')
    .option(
      '-n, --number <n>',
      'begin with the last lines of each stream',
      integerIn(0, Number.MAX_SAFE_INTEGER),
    )
    .option('--json', 'print a JSON value a line')
    .addHelpText('after', '\nExamples:\n  qwex watch\n  qwex watch -n 20 train\n  qwex watch @~1')
    .action(async (id: string, { number: tailLines, json }: WatchFlags) => {
      const runner = await context.runner();
      const run = await runner.get(id);
      await followToExit(context, run, { tailLines, json });
    });
}
