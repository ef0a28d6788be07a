// qwex __complete: the words that may come next, one a line, for the scripts of `qwex completion`.
// It must be quiet, quick, and never start a daemon.
import type { Command } from 'commander';
import { COMMANDS } from '../commands.ts';
import { candidates, offer } from '../complete/candidates.ts';
import type { Context } from '../context.ts';
import { buildProgram } from '../program.ts';

export function register(program: Command, context: Context): Command {
  const command = program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .passThroughOptions()
    .action(async (words: string[]) => {
      const whole = await buildProgram(context, COMMANDS);
      const wanted = candidates(whole, words);
      const found = await offer(context, wanted);
      if (found.length > 0) context.terminal.print(found.join('\n'));
    });
  return command;
}
