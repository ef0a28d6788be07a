// qwex pause: start no more runs.
import type { Command } from 'commander';
import { LOCAL_API } from '../../shared/api.ts';
import type { DaemonStatus } from '../../shared/schemas/local.ts';
import type { Context } from '../context.ts';
import { count } from '../view/units.ts';

export function register(program: Command, context: Context): Command {
  return program
    .command('pause')
    .summary('start no more runs')
    .description('Starts no more runs until qwex resume. Running runs go on.')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  qwex pause')
    .action(async ({ json }: { json?: boolean }) => {
      const runner = await context.runner();
      const status = await runner.request<DaemonStatus>(LOCAL_API.pause);
      if (json) context.terminal.printJson(status);
      else context.terminal.print(say(status));
    });
}

function say({ counts }: DaemonStatus): string {
  const { running = 0, pending = 0 } = counts;
  return `paused: ${count(pending, 'run')} will wait, what runs goes on (${running}); start again: qwex resume`;
}
