// qwex compile: the compiler by itself: the script that a run would be.
import type { Command } from 'commander';
import { LOCAL_API } from '../../shared/api.ts';
import { QwexError } from '../../shared/errors.ts';
import type { Compiled, CompileRequest } from '../../shared/schemas/local.ts';
import type { Context } from '../context.ts';
import { addResourceOptions, type ResourceOptions, resourcesOf } from '../input/submit-options.ts';

type CompileFlags = ResourceOptions & { json?: boolean };

export function register(program: Command, context: Context): Command {
  const command = program
    .command('compile')
    .summary('print the script that a run would be')
    .description(
      'Compiles a command with the layers of a runner, and prints the script. Nothing is submitted.',
    )
    .argument('[command...]', 'the command; all words after its first one are its own');
  return addResourceOptions(command)
    .option('--json', 'print JSON')
    .passThroughOptions()
    .addHelpText(
      'after',
      '\nExamples:\n  qwex compile -r hpc -- python train.py\n  qwex compile --job train | bash',
    )
    .action((words: string[], flags: CompileFlags) => compile(context, words, flags));
}

async function compile(context: Context, command: string[], flags: CompileFlags): Promise<void> {
  const { terminal, cwd } = context;
  const { job, runner: backend, json } = flags;
  if (command.length === 0 && job === undefined) {
    throw new QwexError({
      code: 'usage',
      message: 'what should be compiled? No command was given',
      hint: 'qwex compile -- python train.py',
    });
  }
  const runner = await context.runner();
  const body: CompileRequest = { cwd, command, job, runner: backend, resources: resourcesOf(flags) };
  const compiled = await runner.request<Compiled>(LOCAL_API.compile, { body });
  if (json) terminal.printJson(compiled);
  else terminal.print(compiled.script.trimEnd());
}
