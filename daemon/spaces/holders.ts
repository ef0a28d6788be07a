// Looks for processes that stand in a space, and for those since its run began that have something of it open. What
// they do to it later would be done to the next run. Processes of other accounts can't be looked into, and aren't asked:
// each would cost two errors, and a machine that people share has thousands. The space is closed to them.

import * as fs from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';

const AT_ONCE = 50;
/** A line of /proc/PID/stat is shorter. */
const BUFFER = Buffer.alloc(1024);
/** Of a second, in /proc: USER_HZ, which is 100 on all that we run on. */
const TICKS = 100;

/** Now, in the unit in which /proc tells when a process was started. */
export function uptimeTicks(): number {
  return Math.floor(Number(fs.readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * TICKS);
}

/** True when a process other than this one has it. Only what has begun `sinceTicks` can have opened what is in it. */
export async function isHeld(folder: string, sinceTicks: number): Promise<boolean> {
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const real = fs.realpathSync(folder);
  const account = process.geteuid?.() ?? 0;
  for (const [at, pid] of pids.entries()) {
    if (at % AT_ONCE === AT_ONCE - 1) await breathe();
    if (holds(`/proc/${pid}`, { folder: real, sinceTicks, account })) return true;
  }
  return false;
}

interface Wanted {
  folder: string;
  sinceTicks: number;
  account: number;
}

function holds(process: string, { folder, sinceTicks, account }: Wanted): boolean {
  try {
    if (account !== 0 && fs.statSync(process, { throwIfNoEntry: false })?.uid !== account) return false;
    const isIn = (link: string) => isBelow(readLink(`${process}/${link}`), folder);
    if (isIn('cwd')) return true;
    if (startedTicks(process) < sinceTicks) return false;
    if (isIn('root') || fs.readdirSync(`${process}/fd`).some((fd) => isIn(`fd/${fd}`))) return true;
    return maps(process).includes(` ${folder}/`);
  } catch {
    return false; // it has just ended, or it isn't ours
  }
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function readLink(path: string): string {
  try {
    return fs.readlinkSync(path);
  } catch {
    return ''; // closed meanwhile, or not ours
  }
}

function startedTicks(process: string): number {
  const file = fs.openSync(`${process}/stat`, 'r');
  let stat: string;
  try {
    stat = BUFFER.toString('latin1', 0, fs.readSync(file, BUFFER));
  } finally {
    fs.closeSync(file);
  }
  // The name before it may hold spaces and parentheses.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}

function maps(process: string): string {
  return fs.readFileSync(`${process}/maps`, 'utf8');
}
