// Processes as /proc shows them.
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessFacts {
  pid: number;
  command: string;
}

/** Living processes that were started with this text somewhere in their environment. */
export function processesWith(text: string): ProcessFacts[] {
  return pids()
    .filter((pid) => pid !== process.pid && read(pid, 'environ').includes(text))
    .map((pid) => ({ pid, command: commandOf(pid) }));
}

/** True for a process that runs or sleeps; false for none and for a zombie, unless it has threads that hold its files. */
export function lives(pid: number): boolean {
  const stat = read(pid, 'stat');
  return stat !== '' && (!/\) [ZX] /.test(stat) || threadsOf(pid) > 1);
}

function threadsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length;
  } catch {
    return 0;
  }
}

export function commandOf(pid: number): string {
  return read(pid, 'cmdline').replaceAll('\0', ' ').trim();
}

export function childrenOf(pid: number): number[] {
  return pids().filter((candidate) => Number(/\) \S (\d+) /.exec(read(candidate, 'stat'))?.[1]) === pid);
}

export function pids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

// It may end while it is looked at: no text, then.
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** Resolves when a process that isn't our child, and is on its way out, is gone: nobody tells us, so we look. */
export async function untilGone(pid: number): Promise<void> {
  while (lives(pid)) await turn();
}

/** Lets everything else in this process have its turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
