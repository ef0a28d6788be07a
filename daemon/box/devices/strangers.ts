// Who uses a device without holding it. Nobody's process is ever touched: the device isn't given out, and people are
// told why. Environments of others can't be read, so whose a process is follows from its owner, session and ancestors.
import type { Accounts } from '../accounts.ts';
import { ancestry, type ProcessFacts, readProcess } from '../processes.ts';
import type { DeviceProcess, Observation } from './source.ts';

/** What the drivers and the desktop keep on a device at all times. */
const ALWAYS_IGNORED: ReadonlySet<string> = new Set([
  'Xorg',
  'Xwayland',
  'gnome-shell',
  'nvidia-persiste',
  'nvidia-cuda-mps',
  'dcgm-exporter',
  'nv-hostengine',
]);

export interface StrangerRules {
  thresholdMb: number;
  ignore: readonly string[];
}

export interface Stranger {
  /** null: memory is in use, and the driver shows nobody who uses it. */
  pid: number | null;
  uid: number | null;
  words: string;
}

/** The sessions of the runs that hold a device: their processes are no strangers there. */
export interface HolderSession {
  session: number;
  member: number;
}

/** The first stranger on a device, the largest first; null when there is none. */
export async function findStranger(
  observation: Observation,
  {
    rules,
    holders,
    accounts,
  }: { rules: StrangerRules; holders: readonly HolderSession[]; accounts: Accounts },
): Promise<Stranger | null> {
  const { thresholdMb } = rules;
  const large = observation.processes
    .filter(({ memoryMb }) => memoryMb === null || memoryMb >= thresholdMb)
    .sort((a, b) => (b.memoryMb ?? 0) - (a.memoryMb ?? 0));
  for (const process of large) {
    const facts = readProcess(process.pid);
    if (isIgnored(process, facts, rules.ignore) || isHolders(process.pid, holders)) continue;
    if (facts !== undefined) await accounts.learn([facts.uid]);
    return { pid: process.pid, uid: facts?.uid ?? null, words: describe(process, facts, accounts) };
  }
  const usedMb = observation.memoryUsedMb ?? 0;
  const isNobodys = observation.processes.length === 0 && holders.length === 0;
  if (!isNobodys || usedMb <= thresholdMb) return null;
  const what = observation.namesProcesses
    ? 'a process that is not to be seen from here'
    : 'a process that the driver does not name';
  return { pid: null, uid: null, words: `${what}, ${gigabytes(usedMb)}` };
}

/** `pid 4312 user3 python, 9.1 GB` */
function describe(process: DeviceProcess, facts: ProcessFacts | undefined, accounts: Accounts): string {
  const name = facts?.name ?? process.name?.split('/').at(-1) ?? 'an unknown program';
  const owner = facts === undefined ? '' : ` ${accounts.nameOf(facts.uid)}`;
  const size = process.memoryMb === null ? '' : `, ${gigabytes(process.memoryMb)}`;
  // What a process calls itself is its own choice, and this is printed on terminals.
  return `pid ${process.pid}${owner} ${printable(name)}${size}`;
}

function isIgnored(
  process: DeviceProcess,
  facts: ProcessFacts | undefined,
  ignore: readonly string[],
): boolean {
  const names = [facts?.name, process.name?.split('/').at(-1)].filter((name) => name !== undefined);
  return names.some((name) => ALWAYS_IGNORED.has(name) || ignore.includes(name));
}

function isHolders(pid: number, holders: readonly HolderSession[]): boolean {
  if (holders.length === 0) return false;
  for (const { uid, session, pid: ancestor } of ancestry(pid)) {
    if (holders.some((holder) => holder.member === uid && [session, ancestor].includes(holder.session)))
      return true;
  }
  return false;
}

function gigabytes(mb: number): string {
  return `${(mb / 1024).toFixed(1)} GB`;
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 64);
}
