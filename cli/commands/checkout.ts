// qwex checkout: the code of a run, as a worktree beside the repository.
import { basename, dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { LOCAL_API } from '../../shared/api.ts';
import type { CheckoutRequest, CheckoutResponse } from '../../shared/schemas/local.ts';
import type { Context } from '../context.ts';
import { shortId } from '../view/run-words.ts';
import { showNotices } from '../view/submitted.ts';

export function register(program: Command, context: Context): Command {
  return program
    .command('checkout')
    .summary('the code of a run, as a worktree at its commit')
    .description(
      "Makes a git worktree at a run's commit and prints its path. Remove it with: git worktree remove",
    )
    .argument('<id>', 'the run')
    .argument('[dir]', 'where; beside the repository by default')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  qwex checkout train\n  cd "$(qwex checkout @)"\n  qwex checkout 3f2a91c3 /tmp/old',
    )
    .action((id: string, dir: string | undefined, { json }: { json?: boolean }) =>
      checkout(context, { id, dir, json: json === true }),
    );
}

interface Checkout {
  id: string;
  dir: string | undefined;
  json: boolean;
}

async function checkout(context: Context, { id, dir, json }: Checkout): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner();
  const run = await runner.get(id);
  const beside = join(dirname(run.root), `${basename(run.root)}-${shortId(run.id)}`);
  const directory = dir === undefined ? beside : resolve(context.cwd, dir);
  const body: CheckoutRequest = { directory, umask: process.umask() };
  const answer = await runner.request<CheckoutResponse>(LOCAL_API.checkout, { params: { id: run.id }, body });
  if (json) return terminal.printJson(answer);
  showNotices(terminal, answer.notices);
  terminal.print(answer.directory);
}
