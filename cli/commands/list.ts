// qwex list: runs, newest first.
import { type Command, Option } from 'commander';
import type { ListOptions, LocalRunner } from '../../shared/client/local-runner.ts';
import { STATUSES } from '../../shared/run-state.ts';
import type { Run, RunPage } from '../../shared/schemas/run.ts';
import type { Context } from '../context.ts';
import { integerIn, parseSince } from '../input/values.ts';
import { formatRuns } from '../view/run-table.ts';

interface ListFlags {
  number: number;
  all?: boolean;
  status?: string;
  workspace?: string;
  name?: string;
  since?: string;
  json?: boolean;
}

const DEFAULT_COUNT = 20;
const PAGE_SIZE = 500;

export function register(program: Command, context: Context): Command {
  return program
    .command('list')
    .aliases(['ls', 'ps'])
    .summary('runs, newest first')
    .description('Lists runs, newest first. A pending run is shown with what it waits for.')
    .option('-n, --number <n>', 'how many', integerIn(1, Number.MAX_SAFE_INTEGER), DEFAULT_COUNT)
    .option('-a, --all', 'all of them')
    .addOption(new Option('-s, --status <status>', 'only these').choices(STATUSES))
    .option('-w, --workspace <name>', 'only of this workspace')
    .option('--name <name>', 'only with this name')
    .option('--since <time>', 'only newer: a length of time (2h, 3d) or a date')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action((flags: ListFlags) => list(context, flags));
}

const EXAMPLES = `
Examples:
  qwex list --status running
  qwex ls --since 1d --all
  qwex ps --json | jq -r '.data[].id'`;

async function list(context: Context, flags: ListFlags): Promise<void> {
  const { terminal } = context;
  const now = new Date();
  const runner = await context.runner();
  const { status, workspace, name } = flags;
  const since = flags.since === undefined ? undefined : parseSince(flags.since, now).toISOString();
  const wanted = flags.all ? Number.POSITIVE_INFINITY : flags.number;
  const { runs, nextCursor } = await collect(runner, { status, workspace, name, since }, wanted);
  if (flags.json) return terminal.printJson(runs);
  if (runs.length === 0) return terminal.note('no runs; the first one: qwex run -- COMMAND');
  terminal.print(formatRuns(runs, { now, style: terminal.style, width: terminal.width }));
  if (nextCursor !== null && terminal.stdout.isTTY) terminal.note('there are older ones: qwex list --all');
}

async function collect(runner: LocalRunner, filter: ListOptions, wanted: number): Promise<RunPage> {
  const runs: Run[] = [];
  for (let cursor: string | undefined; ; ) {
    const limit = Math.min(PAGE_SIZE, wanted - runs.length);
    const page = await runner.list({ ...filter, limit, cursor });
    runs.push(...page.runs);
    if (page.nextCursor === null || runs.length >= wanted) return { runs, nextCursor: page.nextCursor };
    cursor = page.nextCursor;
  }
}
