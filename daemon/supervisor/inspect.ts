// What happened to a run, read from its folder alone: the lock first, then the files. Never changes anything.

import { setTimeout as delay } from 'node:timers/promises';
import { currentBootId } from './boot.ts';
import { isAlive, type ProcessIdentity, parseIdentity } from './identity.ts';
import { isLockHeld } from './lock.ts';
import { factPath, lockPath, readClaims, readFact, readText, readTime } from './places.ts';

const LOOK_MS = 10;
/** Both take milliseconds; one that was stopped takes for ever. */
const UNNAMED_MS = 2000;

export const END_CAUSES = ['exit', 'signal', 'timeout', 'cancelled', 'lost'] as const;
export type EndCause = (typeof END_CAUSES)[number];

export interface LeftBehind {
  pid: number;
  /** The last signal it was sent, or `alive` when even KILL did not end it. */
  signal: 'TERM' | 'KILL' | 'alive';
  name: string;
}

export interface Finished {
  kind: 'finished';
  /** 0-255, 128+n for a signal; null when nobody saw it, or nothing was let go. */
  exitCode: number | null;
  cause: EndCause;
  /** The name without SIG of the signal that the exit code speaks of. */
  signal: string | null;
  /** Since the epoch; null when the run was cancelled before its script was let go. */
  startedAtMs: number | null;
  finishedAtMs: number | null;
  /** Processes that the script did not wait for, or that had left its group. */
  leftBehind: LeftBehind[];
}

export type Inspection =
  /** Safe to start under the next attempt. */
  | { kind: 'never_ran' }
  /** Starting, running or ending under a supervisor. */
  | { kind: 'alive'; supervisor: ProcessIdentity | null; startedAtMs: number | null }
  /** Running without a supervisor: adopt it. */
  | { kind: 'orphan'; job: ProcessIdentity; startedAtMs: number | null }
  /** It ran, or may have run, and nobody saw its end: adopt it, to sweep up and to write that down. */
  | { kind: 'lost' }
  | Finished;

/** Reads the state of a run. Safe at any time, and while anyone else reads, starts or adopts it. */
export async function inspect({
  runDir,
  localDir,
}: {
  runDir: string;
  localDir: string;
}): Promise<Inspection> {
  const early = await readFinished(runDir); // once there, it is final: no need to ask for the lock
  if (early !== undefined) return early;
  if (await isLockHeld(lockPath(localDir))) return readAlive(runDir);
  const finished = await readFinished(runDir);
  if (finished !== undefined) return finished;
  const job = parseIdentity(await readText(factPath(runDir, 'pid')));
  if (job === undefined)
    return (await wasClaimedInAnotherBoot(runDir)) ? { kind: 'lost' } : { kind: 'never_ran' };
  if (!(await isAlive(job))) return { kind: 'lost' };
  return { kind: 'orphan', job, startedAtMs: await readTime(runDir, 'started_at') };
}

/**
 * The same for who has to know whether it began: waits while somebody holds the lock that nobody has put a name to. That
 * is a supervisor before its claim, or the child of one that was killed the moment it had forked.
 */
export async function inspectNamed(of: { runDir: string; localDir: string }): Promise<Inspection> {
  const deadline = performance.now() + UNNAMED_MS;
  for (;;) {
    const found = await inspect(of);
    if (found.kind !== 'alive' || found.supervisor !== null || performance.now() > deadline) return found;
    await delay(LOOK_MS);
  }
}

async function readAlive(runDir: string): Promise<Inspection> {
  for (const claim of await readClaims(runDir)) {
    const supervisor = parseIdentity(claim);
    if (supervisor === undefined || !(await isAlive(supervisor))) continue;
    return { kind: 'alive', supervisor, startedAtMs: await readTime(runDir, 'started_at') };
  }
  return { kind: 'alive', supervisor: null, startedAtMs: null };
}

async function readFinished(runDir: string): Promise<Finished | undefined> {
  const code = await readFact(runDir, 'exit_code');
  if (code === undefined || !/^(-|\d{1,3})$/.test(code)) return undefined;
  const [cause, signal, startedAtMs, finishedAtMs, left] = await Promise.all([
    readFact(runDir, 'cause'),
    readFact(runDir, 'signal'),
    readTime(runDir, 'started_at'),
    readTime(runDir, 'finished_at'),
    readText(factPath(runDir, 'left_behind')),
  ]);
  return {
    kind: 'finished',
    exitCode: code === '-' ? null : Number(code),
    cause: END_CAUSES.find((known) => known === cause) ?? (code === '-' ? 'lost' : 'exit'),
    signal: signal ?? null,
    startedAtMs,
    finishedAtMs,
    leftBehind: parseLeftBehind(left ?? ''),
  };
}

function parseLeftBehind(text: string): LeftBehind[] {
  return [...text.matchAll(/^(\d+) (TERM|KILL|alive) (.*)$/gm)].map(([, pid, signal, name]) => ({
    pid: Number(pid),
    signal: signal === 'TERM' || signal === 'KILL' ? signal : 'alive',
    name: name ?? '',
  }));
}

// After a power cut a claim may be on disk and the pid written after it not.
async function wasClaimedInAnotherBoot(runDir: string): Promise<boolean> {
  const bootId = await currentBootId();
  const claims = (await readClaims(runDir)).map(parseIdentity);
  return claims.some((claim) => claim !== undefined && claim.bootId !== bootId);
}
