// What /proc tells about anybody's processes: owner, session, parent, name. Environments and descriptors of others stay closed to us.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { isErrno } from '../../shared/errors.ts';
import type { ProcessIdentity } from '../supervisor/identity.ts';

export interface ProcessFacts {
  pid: number;
  uid: number;
  parent: number;
  session: number;
  name: string;
  startTime: string;
}

/** Undefined when there is no such process, or it is dead and waits to be reaped. */
export function readProcess(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const close = stat.lastIndexOf(')');
    const name = stat.slice(stat.indexOf('(') + 1, close);
    const [state, parent, , session, ...rest] = stat.slice(close + 2).split(' ');
    const startTime = rest[15];
    if (state === undefined || /^[ZXx]/.test(state) || startTime === undefined) return undefined;
    const uid = statSync(`/proc/${pid}`).uid;
    return { pid, uid, parent: Number(parent), session: Number(session), name, startTime };
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}

/** True while exactly this process lives. Many are asked about in one look, so the boot is read once, by the caller. */
export function isLiving({ pid, startTime, bootId }: ProcessIdentity, currentBoot: string): boolean {
  return bootId === currentBoot && readProcess(pid)?.startTime === startTime;
}

export type LivingProcess = Pick<ProcessFacts, 'pid' | 'startTime'>;

const SHORTLY_MS = 10;
/** A freed device may be idle for so much longer. A look takes 0.03 ms. */
const AT_MOST_MS = 25;

/**
 * Calls once, soon after a process of somebody else's is gone that shares no open file with us: the kernel tells us
 * nothing of its end. Most are in the middle of dying, so at first it looks often; a look reads one small file.
 */
export function awaitDeath({ pid, startTime }: LivingProcess, onDeath: () => void): { close(): void } {
  const beganMs = performance.now();
  let timer: NodeJS.Timeout;
  const look = (): void => {
    if (readProcess(pid)?.startTime !== startTime) onDeath();
    else lookLater();
  };
  const lookLater = (): void => {
    const lastedMs = performance.now() - beganMs;
    timer = setTimeout(look, Math.min(AT_MOST_MS, Math.max(SHORTLY_MS, lastedMs / 4))).unref();
  };
  lookLater();
  return { close: () => clearTimeout(timer) };
}

/**
 * Somebody of this user who lives and is a run's: in the session that its supervisor led, or, when it has left that too,
 * with the mark that job.sh has put on the first process of the run and all others have inherited.
 */
export function findOfRun(run: string, supervisor: ProcessIdentity, uid: number): ProcessFacts | undefined {
  const leader = readProcess(supervisor.pid);
  // The kernel gives no number away again that is still a session's: when another process has it, that session is over.
  const isOver = leader !== undefined && leader.startTime !== supervisor.startTime;
  if (leader?.uid === uid && !isOver) return leader;
  const mark = markOf(run);
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const found = readProcess(Number(name));
    if (found?.uid !== uid) continue;
    if ((found.session === supervisor.pid && !isOver) || markedAs(found.pid) === mark) return found;
  }
  return undefined;
}

/** As job.sh reckons it. */
function markOf(run: string): string {
  return String(10n ** 18n + BigInt(`0x${run.slice(run.lastIndexOf('-') + 1)}`));
}

/** A soft limit that changes nothing for anybody, is handed down, and is for all to see. */
function markedAs(pid: number): string | undefined {
  try {
    return /^Max realtime timeout +(\d+) /m.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))?.[1];
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES')) return undefined;
    throw error;
  }
}

/** The process, its parent, and so on up to the first that is gone. */
export function* ancestry(pid: number): Generator<ProcessFacts> {
  const seen = new Set<number>();
  for (let next = pid; next > 0 && !seen.has(next); ) {
    seen.add(next);
    const found = readProcess(next);
    if (found === undefined) return;
    yield found;
    next = found.parent;
  }
}
