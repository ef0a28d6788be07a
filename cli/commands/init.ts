// qwex init: a config to begin with. Nothing needs it.
import type { Command } from 'commander';
import { LOCAL_API } from '../../shared/api.ts';
import type { InitRequest, InitResponse } from '../../shared/schemas/local.ts';
import type { Context } from '../context.ts';
import { quotePath } from '../view/quote.ts';

export function register(program: Command, context: Context): Command {
  return program
    .command('init')
    .summary('write a .qwex/ folder to begin with (optional)')
    .description(
      'Writes .qwex/config.yaml, templates/ and .gitignore into this repository. What is there is kept.',
    )
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  qwex init && git add .qwex && git commit -m "Add qwex config"')
    .action(async ({ json }: { json?: boolean }) => {
      const { terminal, cwd } = context;
      const runner = await context.runner();
      const body: InitRequest = { cwd };
      const answer = await runner.request<InitResponse>(LOCAL_API.init, { body });
      if (json) return terminal.printJson(answer);
      for (const path of answer.created) terminal.print(`created ${quotePath(path)}`);
      for (const path of answer.kept) terminal.print(`kept    ${quotePath(path)}`);
      if (answer.created.length > 0) terminal.note('commit them: what a run reads is part of its commit');
    });
}
