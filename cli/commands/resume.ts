// qwex resume: start runs again.
import type { Command } from 'commander';
import { LOCAL_API } from '../../shared/api.ts';
import type { DaemonStatus } from '../../shared/schemas/local.ts';
import type { Context } from '../context.ts';
import { count } from '../view/units.ts';

export function register(program: Command, context: Context): Command {
  return program
    .command('resume')
    .summary('start runs again')
    .description('Starts runs again after qwex pause.')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  qwex resume')
    .action(async ({ json }: { json?: boolean }) => {
      const runner = await context.runner();
      const status = await runner.request<DaemonStatus>(LOCAL_API.resume);
      if (json) context.terminal.printJson(status);
      else context.terminal.print(say(status));
    });
}

function say({ counts: { pending = 0 } }: DaemonStatus): string {
  return `resumed: ${count(pending, 'pending run')}`;
}
