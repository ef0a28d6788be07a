// qwex rerun: a new run of the same job.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { submitterEnvironment } from '../input/submit-options.ts';
import { nameOf, shortId } from '../view/run-words.ts';

interface RerunOptions {
  follow?: boolean;
  json?: boolean;
}

export function register(program: Command, context: Context): Command {
  return program
    .command('rerun')
    .summary('run the same job again')
    .description('Queues a new run of the same job: same commit, command, script and resources.')
    .argument('<id>', 'the run to repeat')
    .option('-f, --follow', "show the output, and exit with the command's code")
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  qwex rerun @\n  qwex rerun -f train')
    .action((id: string, options: RerunOptions) => rerun(context, id, options));
}

async function rerun(context: Context, id: string, { follow, json = false }: RerunOptions): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner();
  const run = await runner.rerun(id, submitterEnvironment(context.env));
  if (follow) {
    const { followToExit } = await import('../follow/to-exit.ts');
    return followToExit(context, run, { json });
  }
  if (json) return terminal.printJson(run);
  if (!terminal.stdout.isTTY) return terminal.print(run.id);
  terminal.print(`${nameOf(run)} repeats the job of ${id}; follow: qwex watch ${shortId(run.id)}`);
}
