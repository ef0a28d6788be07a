// qwex release: let held runs start.
import type { Command } from 'commander';
import { LOCAL_API } from '../../shared/api.ts';
import type { Run } from '../../shared/schemas/run.ts';
import type { Context } from '../context.ts';
import { actOnEach } from '../each-id.ts';
import { nameOf } from '../view/run-words.ts';

export function register(program: Command, context: Context): Command {
  return program
    .command('release')
    .summary('let held runs start')
    .description('Lets held runs start when it is their turn.')
    .argument('<id...>', 'the runs')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  qwex release @')
    .action(async (ids: string[], { json = false }: { json?: boolean }) => {
      const runner = await context.runner();
      const act = (id: string) => runner.request<Run>(LOCAL_API.release, { params: { id } });
      await actOnEach(context, { ids, json, act, say: (run) => `run ${nameOf(run)} is released` });
    });
}
