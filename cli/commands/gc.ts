// qwex gc: what can be removed; removes it with --force.
import type { Command } from 'commander';
import { LOCAL_API } from '../../shared/api.ts';
import type { GcRequest, GcResponse } from '../../shared/schemas/local.ts';
import type { Context } from '../context.ts';
import { parseTime } from '../input/values.ts';
import { printable, quotePath } from '../view/quote.ts';
import { formatTable } from '../view/table.ts';
import { count, formatBytes } from '../view/units.ts';

interface GcFlags {
  force?: boolean;
  olderThan?: number;
  json?: boolean;
}

export function register(program: Command, context: Context): Command {
  return program
    .command('gc')
    .summary('remove what is no longer needed')
    .description(
      'Lists what is no longer needed, and with --force removes it. Pinned commits of runs that stay are kept.',
    )
    .option('--force', 'remove it')
    .option('--older-than <length>', 'also whole runs that ended longer ago, as in 30d', parseTime)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  qwex gc\n  qwex gc --older-than 90d --force')
    .action((flags: GcFlags) => gc(context, flags));
}

async function gc(context: Context, { force = false, olderThan, json }: GcFlags): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner();
  const body: GcRequest = { force, olderThanMs: olderThan };
  const answer = await runner.request<GcResponse>(LOCAL_API.gc, { body });
  if (json) return terminal.printJson(answer);
  const { items, forced } = answer;
  if (items.length === 0) return terminal.note('nothing to remove');
  const columns = [
    { title: 'WHAT', value: ({ kind }: Item) => kind },
    {
      title: 'SIZE',
      value: ({ bytes }: Item) => (bytes === null ? '' : formatBytes(bytes)),
      align: 'right' as const,
    },
    { title: 'WHY', value: ({ why }: Item) => printable(why) },
    { title: 'PATH', value: ({ path }: Item) => quotePath(path) },
  ];
  terminal.print(formatTable(items, columns, { paintTitle: terminal.style.dim }));
  const bytes = items.reduce((sum, item) => sum + (item.bytes ?? 0), 0);
  const total = `${count(items.length, 'thing')}, ${formatBytes(bytes)}`;
  terminal.note(forced ? `removed ${total}` : `would remove ${total}; do it: qwex gc --force`);
}

type Item = GcResponse['items'][number];
