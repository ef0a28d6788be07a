// What a process costs, from /proc.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isErrno } from '../../shared/errors.ts';

const TICK_MS = 10; // USER_HZ is 100 on every Linux

/** Resident memory in bytes. */
export function memoryBytes(pid: number): number {
  return statusField(`/proc/${pid}/status`, 'VmRSS') * 1024;
}

/** In bytes, with what it shares with others divided among them. */
export function shareOfMemoryBytes(pid: number): number {
  return statusField(`/proc/${pid}/smaps_rollup`, 'Pss') * 1024;
}

export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

/** The most it has been since `forgetPeak`. */
export function peakMemoryBytes(pid: number): number {
  return statusField(`/proc/${pid}/status`, 'VmHWM') * 1024;
}

export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** How often its threads have gone to sleep, and the time that they have computed, so far. */
export function activity(pid: number): { sleeps: number; cpuMs: number } {
  const threads = readdirSync(`/proc/${pid}/task`);
  const sleeps = threads.map((thread) =>
    statusField(`/proc/${pid}/task/${thread}/status`, 'voluntary_ctxt_switches'),
  );
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { sleeps: sleeps.reduce((sum, each) => sum + each, 0), cpuMs: ticks * TICK_MS };
}

/** Processes that have this word in their command line or environment. */
export function processesWith(word: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) =>
      ['cmdline', 'environ'].some((file) => readIfThere(`/proc/${pid}/${file}`).includes(word)),
    )
    .map(Number);
}

function statusField(file: string, name: string): number {
  const match = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(readFileSync(file, 'utf8'));
  return Number(match?.[1]);
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return '';
    throw error;
  }
}
