// Which processes belong to a chaos run's home, found in /proc alone, and killing exactly one of them.
import { readFileSync } from 'node:fs';
import { commandOf, lives, pids } from '../rig/processes.ts';

/** The daemon of this home, serving or starting. */
export function daemonPid(home: string): number | undefined {
  return pids().find(
    (pid) =>
      /daemon(\.mjs|\/main\.ts)$/.test(commandOf(pid)) &&
      lives(pid) &&
      leadsItsGroup(pid) && // unlike a child of it that has not become git yet
      variablesOf(pid).includes(`QWEX_HOME=${home}`),
  );
}

/** The process that starts git and supervisors for that daemon. */
export function starterPid(home: string): number | undefined {
  return pids().find(
    (pid) =>
      /\/starter(\.mjs|\/main\.ts)$/.test(commandOf(pid)) &&
      lives(pid) &&
      variablesOf(pid).includes(`QWEX_HOME=${home}`),
  );
}

function leadsItsGroup(pid: number): boolean {
  const stat = read(pid, 'stat');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]) === pid;
}

/** Its start time in clock ticks, which no other process of this pid has; '' when it doesn't live. */
export function identityOf(pid: number): string {
  const stat = read(pid, 'stat');
  if (stat === '' || /\) [ZX] /.test(stat)) return '';
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** True when it was there, unchanged, and has been killed, alone or with the group that it leads. */
export function killIfSame(pid: number, identity: string, whom: 'one' | 'group' = 'one'): boolean {
  if (identity === '' || identityOf(pid) !== identity) return false;
  try {
    process.kill(whom === 'group' ? -pid : pid, 'SIGKILL');
    return true;
  } catch {
    return false; // it ended just now
  }
}

/** Everything that was started for this world and is still alive, by its command line or its environment. */
export function processesOf({ folder }: { folder: string }): number[] {
  const own = new Set([process.pid, process.ppid]);
  return pids()
    .filter((pid) => !own.has(pid) && lives(pid))
    .filter(
      (pid) => commandOf(pid).includes(folder) || variablesOf(pid).some((each) => each.includes(folder)),
    );
}

/** Ends what the checker has counted, and returns when it is gone: nothing may outlive the test. */
export function endProcesses(world: { folder: string }): void {
  const untilMs = performance.now() + END_LIMIT_MS;
  for (let left = processesOf(world); left.length > 0; left = processesOf(world)) {
    if (performance.now() > untilMs) throw new Error(`still there: ${left.map(commandOf).join(', ')}`);
    for (const pid of left) killIfSame(pid, identityOf(pid));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
  }
}

const LOOK_MS = 5;
const END_LIMIT_MS = 10_000;

export function variablesOf(pid: number): string[] {
  return read(pid, 'environ').split('\0');
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
