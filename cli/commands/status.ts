// qwex status: one run, in full.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { formatStatus } from '../view/status-page.ts';

export function register(program: Command, context: Context): Command {
  return program
    .command('status')
    .summary('one run in full')
    .description('Shows all that is known about a run.')
    .argument('[id]', 'the run; the latest one by default', '@')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  qwex status\n  qwex status 3f2a91c3\n  qwex status train --json')
    .action((id: string, { json }: { json?: boolean }) => status(context, id, json === true));
}

async function status(context: Context, id: string, json: boolean): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner();
  const run = await runner.get(id);
  if (json) return terminal.printJson(run);
  const skipped = run.finishedAt === null ? [] : (await runner.artifacts(run.id)).skipped;
  terminal.print(formatStatus(run, { skipped, style: terminal.style, now: new Date() }));
}
