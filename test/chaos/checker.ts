// The independent checker: counts what was promised and what was not kept. Shares no code with the daemon, and reads
// only what the jobs wrote, the run folders, git, /proc, and the index as plain SQL.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type LedgerLine, type RunEvidence, readLedger, readRuns } from './evidence.ts';
import type { Request, VictimPart } from './journal.ts';
import { findLeftovers } from './leftovers.ts';
import { judge, RUN_FAULTS } from './verdict.ts';
import { WORKSPACE, type World } from './world.ts';

export interface Summary {
  /** Runs that were promised to somebody. */
  acknowledged: number;
  /** Runs whose job began exactly once, retries included. */
  exactlyOnce: number;
  /** Runs that had to run never: cancelled in the queue, their dependency failed, their supervisor killed before. */
  rightlyNever: number;
  /** Reason → how many ended so. */
  ends: Record<string, number>;
  /** Column → how many. Each must be 0. */
  bad: Record<string, number>;
  /** A line for each one in a bad column. */
  details: string[];
}

class Blame {
  readonly bad: Record<string, number> = {};
  readonly details: string[] = [];

  columns(...names: readonly string[]): void {
    for (const name of names) this.bad[name] ??= 0;
  }

  add(column: string, what: string): void {
    this.bad[column] = (this.bad[column] ?? 0) + 1;
    this.details.push(`${column}: ${what}`);
  }
}

/** `victims` says whose supervisor, leader or group was killed, by run id. */
export async function check(
  world: World,
  victims: ReadonlyMap<string, ReadonlySet<VictimPart>>,
): Promise<Summary> {
  const blame = new Blame();
  const ledger = await readLedger(world.ledger);
  const runs = new Map(
    (await readRuns(join(world.home, WORKSPACE, 'runs'))).map((run) => [run.id, run] as const),
  );
  const requests = new Map([...world.journal.requests.values()].map((each) => [each.wish.tag, each]));
  judgeRuns({ runs, requests, ledger, victims }, blame);
  judgeRequests({ runs, requests }, blame);
  judgeIndex(world, runs, blame);
  const commits = new Set(runs.size > 0 ? [world.sha] : []);
  for (const [column, found] of Object.entries(await findLeftovers(world, commits))) {
    blame.columns(column);
    for (const each of found as string[]) blame.add(column, each);
  }
  return { ...count(requests, runs, ledger), bad: blame.bad, details: blame.details };
}

interface Findings {
  runs: ReadonlyMap<string, RunEvidence>;
  requests: ReadonlyMap<string, Request>;
}

function judgeRuns(
  {
    runs,
    requests,
    ledger,
    victims,
  }: Findings & {
    ledger: readonly LedgerLine[];
    victims: ReadonlyMap<string, ReadonlySet<VictimPart>>;
  },
  blame: Blame,
): void {
  blame.columns(...RUN_FAULTS);
  const linesOf = (tag: string): LedgerLine[] => ledger.filter((line) => line.tag === tag);
  for (const run of runs.values()) {
    const request = requests.get(run.tag);
    if (!request) continue;
    const parents = run.after.flatMap(({ id }) => {
      const parent = lastTry(runs, id);
      return parent ? [{ run: parent, lines: linesOf(parent.tag) }] : [];
    });
    const lines = linesOf(run.tag);
    for (const { fault, what } of judge({
      ...{ run, request, lines, parents },
      victims: victims.get(run.id) ?? new Set(),
    }))
      blame.add(fault, `${run.id} (${run.tag}, ${request.wish.kind}): ${what}`);
  }
  for (const line of ledger)
    if (!runs.has(line.runId)) blame.add('missing', `${line.runId} (${line.tag}) ran and has no folder`);
}

/** Each request has the runs that were acknowledged, and their retries, and no other. */
function judgeRequests({ runs, requests }: Findings, blame: Blame): void {
  blame.columns('missing', 'unacknowledged', 'refused', 'wrongWatch');
  const spare = new Map(
    [...requests.values()].filter((each) => each.isUncertain).map((each) => [each.wish.tag, 1]),
  );
  for (const run of runs.values()) {
    const known = run.retryOf !== null ? runs.has(run.retryOf) : requests.get(run.tag)?.ids.includes(run.id);
    if (known) continue;
    const left = spare.get(run.tag) ?? 0;
    if (left === 0) blame.add('unacknowledged', `${run.id} (${run.tag}) was made beside what was answered`);
    spare.set(run.tag, left - 1);
  }
  for (const { wish, ids, refusals, watchFaults, isUncertain } of requests.values()) {
    for (const id of ids)
      if (!runs.has(id)) blame.add('missing', `${id} (${wish.tag}) was acknowledged and has no folder`);
    for (const refusal of refusals) blame.add('refused', `${wish.tag} (${wish.route}): ${refusal}`);
    for (const fault of watchFaults) blame.add('wrongWatch', `${wish.tag}: ${fault}`);
    if (ids.length === 0 && !isUncertain && refusals.length === 0)
      blame.add('refused', `${wish.tag} (${wish.route}) was never answered`);
  }
}

/** The index is whole and says the same as the folders, from which it could be made anew. */
function judgeIndex(world: World, runs: Findings['runs'], blame: Blame): void {
  blame.columns('damagedIndex', 'disagreeing');
  const db = new Database(join(world.home, 'qwex.db'), { readonly: true });
  try {
    const verdict = db.pragma('integrity_check', { simple: true });
    if (verdict !== 'ok') blame.add('damagedIndex', String(verdict));
    const rows = db
      .prepare('SELECT id, phase, reason, exit_code AS exitCode FROM runs')
      .all() as RunEvidence[];
    for (const row of rows) {
      const run = runs.get(row.id);
      const same = run?.phase === row.phase && run.reason === row.reason && run.exitCode === row.exitCode;
      if (!same)
        blame.add('disagreeing', `${row.id}: ${row.phase} in the index, ${run?.phase} in its folder`);
    }
    if (rows.length !== runs.size)
      blame.add('disagreeing', `${rows.length} in the index, ${runs.size} folders`);
  } finally {
    db.close();
  }
}

function count(
  requests: Findings['requests'],
  runs: Findings['runs'],
  ledger: readonly LedgerLine[],
): Omit<Summary, 'bad' | 'details'> {
  const begins = new Map<string, number>();
  for (const { what, runId } of ledger) if (what === 'begin') begins.set(runId, (begins.get(runId) ?? 0) + 1);
  const ends: Record<string, number> = {};
  for (const { reason } of runs.values()) ends[reason ?? 'none'] = (ends[reason ?? 'none'] ?? 0) + 1;
  return {
    acknowledged: [...requests.values()].reduce((sum, { ids }) => sum + ids.length, 0),
    exactlyOnce: [...begins.values()].filter((times) => times === 1).length,
    rightlyNever: [...runs.keys()].filter((id) => !begins.has(id)).length,
    ends,
  };
}

function lastTry(runs: Findings['runs'], id: string): RunEvidence | undefined {
  let run = runs.get(id);
  while (run?.retriedBy != null && runs.has(run.retriedBy)) run = runs.get(run.retriedBy);
  return run;
}
