// qwex cancel: ends runs, wherever they are.
import type { Command } from 'commander';
import type { Run } from '../../shared/schemas/run.ts';
import type { Context } from '../context.ts';
import { actOnEach } from '../each-id.ts';
import { nameOf, shortId } from '../view/run-words.ts';

export function register(program: Command, context: Context): Command {
  return program
    .command('cancel')
    .summary('end runs')
    .description('Ends runs: a pending one never starts, a running one is told to end and then made to.')
    .argument('<id...>', 'the runs')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  qwex cancel @\n  qwex cancel 3f2a91c3 train')
    .action(async (ids: string[], { json = false }: { json?: boolean }) => {
      const runner = await context.runner();
      await actOnEach(context, { ids, json, act: (id) => runner.cancel(id), say });
    });
}

function say(run: Run): string {
  if (run.status === 'cancelled') return `run ${nameOf(run)} is cancelled`;
  return `run ${nameOf(run)} was told to end; see it end: qwex watch ${shortId(run.id)}`;
}
