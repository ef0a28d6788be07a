// qwex run: submits commands and returns at once, or follows the run with -f.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addSubmitOptions, type SubmitOptions } from '../input/submit-options.ts';
import { followSubmitted, submit } from '../submit.ts';

export function register(program: Command, context: Context): Command {
  const command = program
    .command('run')
    .summary('queue a command; returns at once')
    .description('Queues a command to run in a clean checkout of the current commit, and returns at once.')
    .argument('[command...]', 'the command; all words after its first one are its own');
  addSubmitOptions(command)
    .option('-f, --follow', "show the output, and exit with the command's code")
    .option('--each <file>', 'one run for each line of the file (-: of stdin), each a bash command line')
    .option('--dry-run', 'check and compile, print the script, submit nothing')
    .passThroughOptions()
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], options: SubmitOptions) => {
      const response = await submit(context, { command, words, options });
      if (options.follow) await followSubmitted(context, response, options);
    });
  return command;
}

const EXAMPLES = `
Examples:
  qwex run python train.py --lr 0.1
  qwex run --gpus 2 --time 4h --name big -- python train.py
  qwex run -f --watch out,plots -- make figures
  qwex run --after big -- python evaluate.py
  qwex run --each sweep.txt | xargs qwex wait

On a pipe it prints the bare id of each run, one a line.`;
