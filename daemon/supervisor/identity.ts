// Who a process is, beyond its pid, which the kernel gives away again. Never signal a bare pid that was read from a file.

import { readFile } from 'node:fs/promises';
import { isErrno } from '../../shared/errors.ts';
import { currentBootId } from './boot.ts';

export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot, as the kernel prints them. */
  startTime: string;
  bootId: string;
}

/** Who runs under this pid now; undefined when nobody does, or a dead process that waits to be reaped. */
export async function readIdentity(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readStat(pid);
  if (stat === undefined) return undefined;
  // The name before the last parenthesis is the program's to choose and may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  if (state === undefined || startTime === undefined || /^[ZXx]/.test(state)) return undefined;
  return { pid, startTime, bootId: await currentBootId() };
}

/** True while exactly this process lives: not another one of its pid, and not a zombie. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const now = await readIdentity(identity.pid);
  return now !== undefined && now.startTime === identity.startTime && now.bootId === identity.bootId;
}

/** Reads the line `pid start-time boot-id`. Without its newline it was not written to the end: undefined. */
export function parseIdentity(text: string | undefined): ProcessIdentity | undefined {
  const match = /^([1-9]\d*) (\d+) ([0-9a-f-]+)\n/.exec(text ?? '');
  const [, pid, startTime, bootId] = match ?? [];
  if (pid === undefined || startTime === undefined || bootId === undefined) return undefined;
  return { pid: Number(pid), startTime, bootId };
}

async function readStat(pid: number): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}
