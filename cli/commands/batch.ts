// qwex batch: run --follow under a word of its own, for scripts that relay one command.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addSubmitOptions, type SubmitOptions } from '../input/submit-options.ts';
import { followSubmitted, submit } from '../submit.ts';

export function register(program: Command, context: Context): Command {
  const command = program
    .command('batch')
    .summary('queue a command and stream its output back')
    .description("Queues a command, streams its output back, and exits with the command's code.")
    .argument('[command...]', 'the command; all words after its first one are its own');
  addSubmitOptions(command)
    .passThroughOptions()
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], given: SubmitOptions) => {
      const options = { ...given, follow: true };
      await followSubmitted(context, await submit(context, { command, words, options }), options);
    });
  return command;
}

const EXAMPLES = `
Examples:
  qwex batch make test
  qwex batch --gpus 1 -- python bench.py > bench.txt

An interrupt leaves the run running.`;
