// Counts what was promised and not kept, from what the jobs wrote, the run folders, /proc, and the files of the box. Shares no
// code with the daemon.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRuns } from '../evidence.ts';
import type { Promised } from './load.ts';
import type { Observation } from './observer.ts';
import { type BoxLine, judgeBoxRun, RUN_FAULTS } from './verdict.ts';
import type { BoxWorld } from './world.ts';

/**
 * A free device is to be in use again after this. Time in which somebody had to wait for a CPU or a disk, by the kernel's
 * own account, isn't counted: on a machine that others keep busy nobody starts anything at once. But no wait may be longer
 * than the second limit, whatever the machine does: nothing of qwex may count so far.
 */
const IDLE_LIMIT_MS = 200;
const IDLE_HARD_LIMIT_MS = 5000;
const MOST_EXPLAINED = 3;

export interface BoxSummary {
  leases: number;
  acknowledged: number;
  exactlyOnce: number;
  ends: Record<string, number>;
  bad: Record<string, number>;
  details: string[];
  /** What is reported, and is no fault. */
  idle: { windows: number; p50Ms: number; p99Ms: number; maxMs: number; excused: Record<string, number> };
}

export async function checkBox(
  world: BoxWorld,
  found: {
    promised: readonly Promised[];
    victims: ReadonlyMap<string, ReadonlySet<string>>;
    observation: Observation;
  },
): Promise<BoxSummary> {
  const details: string[] = [];
  const bad: Record<string, number> = {};
  const blame = (column: string, ...lines: string[]): void => {
    bad[column] = (bad[column] ?? 0) + lines.length;
    details.push(...lines.map((line) => `${column}: ${line}`));
  };
  const ledger = readBoxLedger(join(world.shared, 'ledger'));
  for (const column of RUN_FAULTS) blame(column);
  const ends: Record<string, number> = {};
  let exactlyOnce = 0;
  for (const member of world.members) {
    const runs = await readRuns(member.runs);
    const own = found.promised.filter((promised) => promised.member === member);
    for (const { wish, id } of own) {
      const run = runs.find((each) => each.id === id);
      if (run === undefined) blame('missing', `${id} (${wish.tag}) was acknowledged and has no folder`);
    }
    for (const run of runs) {
      const lines = ledger.filter((line) => line.run === run.id);
      const faults = judgeBoxRun({
        run,
        lines,
        uid: member.account.uid,
        victims: found.victims.get(run.id) ?? new Set(),
      });
      if (!own.some(({ id }) => id === run.id)) blame('unacknowledged', `${run.id} (${run.tag})`);
      for (const { fault, what } of faults) blame(fault, `${run.id} (${run.tag}): ${what}`);
      if (lines.filter(({ what }) => what === 'begin').length === 1) exactlyOnce += 1;
      const end = run.reason ?? run.phase;
      ends[end] = (ends[end] ?? 0) + 1;
    }
  }
  const doubles = ledger.filter(({ what }) => what.startsWith('double'));
  blame('doubleHolder', ...doubles.map(({ text }) => text));
  for (const { run, atMs } of doubles.slice(0, MOST_EXPLAINED))
    details.push(...around({ run, startMs: atMs, lengthMs: 0 }, { world, ledger }));
  blame('doubleSeen', ...found.observation.doubles);
  blame('leftInBox', ...leftInBox(world.box));
  blame('leftInHomes', ...world.members.flatMap(({ home }) => leftInHome(home)));
  blame('processes', ...world.processes());
  const { windows } = found.observation;
  const late = windows.filter((window) => isTooLong(window) && window.excuse === null);
  blame(
    'idle',
    ...late.map(
      ({ run, startMs, lengthMs, pressureMs, as }) =>
        `${run}, ${as}, waited ${Math.round(lengthMs)} ms (pressure ${Math.round(pressureMs)} ms) from ${new Date(startMs).toISOString()}`,
    ),
  );
  for (const window of late.slice(0, MOST_EXPLAINED)) details.push(...around(window, { world, ledger }));
  return {
    ...{ leases: ledger.filter(({ what }) => what === 'begin').length, acknowledged: found.promised.length },
    ...{ exactlyOnce, ends, bad, details, idle: idleFigures(found.observation) },
  };
}

/** What happened to the box, and to a run, from a second before an instant or a window until it was over. */
function around(
  {
    run,
    startMs,
    lengthMs,
    story = [],
  }: { run: string; startMs: number; lengthMs: number; story?: { atMs: number; text: string }[] },
  { world, ledger }: { world: BoxWorld; ledger: readonly BoxLine[] },
): string[] {
  const kills = linesOf(join(world.folder, 'journal.jsonl')).map((text) => ({
    text,
    atMs: Number((JSON.parse(text) as { atMs: number }).atMs),
  }));
  const steps = world.members
    .flatMap((member) => linesOf(join(member.runs, run, 'statuses.jsonl')))
    .map((text) => ({ text: `${run} ${text}`, atMs: Date.parse((JSON.parse(text) as { at: string }).at) }));
  return [...ledger, ...kills, ...steps, ...story]
    .filter(({ atMs }) => atMs > startMs - 1000 && atMs < startMs + lengthMs + 500)
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ atMs, text }) => `  ${Math.round(atMs - startMs)} ms: ${text}`);
}

function linesOf(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

function readBoxLedger(file: string): BoxLine[] {
  return linesOf(file).map((text) => {
    const [at, what = '', run = '', tag = '', uid, pid, gpus = ''] = text.split(' ');
    return {
      text,
      atMs: Number(at) * 1000,
      what,
      run,
      tag,
      uid: Number(uid),
      pid: Number(pid),
      gpus: gpus.split(','),
    };
  });
}

/** Tickets, leases and lifelines of runs: all have ended. */
function leftInBox(box: string): string[] {
  const tickets = readdirSync(join(box, 'tickets'));
  const leases = readdirSync(join(box, 'leases')).filter((name) => !name.endsWith('.note'));
  const wake = readdirSync(join(box, 'wake'));
  return [...tickets, ...leases, ...wake];
}

function leftInHome(home: string): string[] {
  return ['spaces', 'env', 'ended'].flatMap((folder) => {
    const names = readdirSync(join(home, folder)).filter((name) => !['.trash', '.pool'].includes(name));
    return names.map((name) => join(home, folder, name));
  });
}

function idleFigures({ windows }: Observation): BoxSummary['idle'] {
  const lengths = windows.filter(({ excuse }) => excuse === null).map(({ lengthMs }) => lengthMs);
  const sorted = lengths.sort((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  const excused: Record<string, number> = {};
  for (const window of windows) {
    const { excuse } = window;
    if (excuse !== null && isTooLong(window)) excused[excuse] = (excused[excuse] ?? 0) + 1;
  }
  return { windows: windows.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), excused };
}

function isTooLong({ lengthMs, pressureMs }: Observation['windows'][number]): boolean {
  return lengthMs - pressureMs > IDLE_LIMIT_MS || lengthMs > IDLE_HARD_LIMIT_MS;
}
