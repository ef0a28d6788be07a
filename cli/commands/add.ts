// qwex add: copies a built-in template into the workspace, to own it.
import type { Command } from 'commander';
import { LOCAL_API } from '../../shared/api.ts';
import type { AddRequest, AddResponse } from '../../shared/schemas/local.ts';
import type { Context } from '../context.ts';
import { quotePath } from '../view/quote.ts';

interface AddFlags {
  force?: boolean;
  json?: boolean;
}

export function register(program: Command, context: Context): Command {
  return program
    .command('add')
    .summary('copy a template into .qwex/templates/, to own it')
    .description(
      'Copies a built-in template into .qwex/templates/. From then on the copy is used, and it is yours.',
    )
    .argument('<template>', 'its name, see: qwex templates')
    .option('--force', 'overwrite your own')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  qwex add env')
    .action(async (template: string, { force = false, json }: AddFlags) => {
      const { terminal, cwd } = context;
      const runner = await context.runner();
      const body: AddRequest = { cwd, template, force };
      const answer = await runner.request<AddResponse>(LOCAL_API.add, { body });
      if (json) terminal.printJson(answer);
      else terminal.print(`${answer.overwritten ? 'overwrote' : 'created'} ${quotePath(answer.path)}`);
    });
}
