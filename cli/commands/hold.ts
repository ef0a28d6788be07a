// qwex hold: keep pending runs from starting.
import type { Command } from 'commander';
import { LOCAL_API } from '../../shared/api.ts';
import type { Run } from '../../shared/schemas/run.ts';
import type { Context } from '../context.ts';
import { actOnEach } from '../each-id.ts';
import { nameOf } from '../view/run-words.ts';

export function register(program: Command, context: Context): Command {
  return program
    .command('hold')
    .summary('keep pending runs from starting')
    .description('Keeps pending runs from starting until they are released. They keep their place.')
    .argument('<id...>', 'the runs')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  qwex hold @')
    .action(async (ids: string[], { json = false }: { json?: boolean }) => {
      const runner = await context.runner();
      const act = (id: string) => runner.request<Run>(LOCAL_API.hold, { params: { id } });
      await actOnEach(context, {
        ids,
        json,
        act,
        say: (run) => `run ${nameOf(run)} is held; let it start: qwex release`,
      });
    });
}
