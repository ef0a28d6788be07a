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

/** Somebody living in this session, with this owner; undefined when nobody is. */
export function findInSession(session: number, uid: number): ProcessFacts | undefined {
  const leader = readProcess(session);
  if (leader?.session === session && leader.uid === uid) return leader;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const found = readProcess(Number(name));
    if (found?.session === session && found.uid === uid) return found;
  }
  return undefined;
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
