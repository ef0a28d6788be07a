// How equal the device time is of members who always have work, each of one size and length of their own.
// `node test/daemon/box/shares.ts [WORKLOADS]` prints one JSON line for each kind of random workload on 8 devices.
import { planBox } from '../../../daemon/box/plan/plan.ts';
import { machine, policy } from './machines.ts';
import { jainIndex, type SimulatedRun, simulate } from './simulator.ts';
import { seeded } from './workload.ts';

const HOUR_MS = 3_600_000;
const DEVICES = 8;

export interface Habit {
  gpus: number;
  lengthMs: number;
  /** What its member asks for; the length, for one who knows. */
  limitMs?: number;
}

export interface Shares {
  jain: number;
  /** Of the device time, 0 to 1. */
  inUse: number;
  /** Of what equal shares would be, by member. */
  shares: number[];
}

/** Over 20 times the longest run. */
export function sharesOf(habits: readonly Habit[]): Shares {
  const untilMs = 20 * Math.max(...habits.map(({ lengthMs }) => lengthMs));
  const { first, refill } = endless(habits);
  const { outcomes } = simulate(first, {
    ...{ decide: planBox, refill, untilMs },
    devices: machine(DEVICES),
    policy: policy(),
    halfLifeMs: 7 * 24 * HOUR_MS,
  });
  const used = habits.map(() => 0);
  for (const { member, gpus, startMs, endMs } of outcomes)
    used[member] = (used[member] ?? 0) + gpus * (Math.min(endMs, untilMs) - startMs);
  const total = used.reduce((sum, time) => sum + time, 0);
  return {
    jain: jainIndex(used),
    inUse: total / DEVICES / untilMs,
    shares: used.map((time) => (time / total) * habits.length),
  };
}

/** Every member always has 16 runs waiting or running, more than the machine could take. */
export function endless(habits: readonly Habit[]) {
  let count = 0;
  const next = (nowMs: number, member: number): SimulatedRun => {
    count += 1;
    const { gpus, lengthMs, limitMs = lengthMs } = habits[member] ?? { gpus: 1, lengthMs: HOUR_MS };
    const id = `r${String(count).padStart(6, '0')}`;
    return { id, member, gpus, submitMs: nowMs, lengthMs, type: null, priority: 0, limitMs };
  };
  const first = habits.flatMap((_, member) => Array.from({ length: 16 }, () => next(0, member)));
  return { first, refill: (nowMs: number, member: number) => [next(nowMs, member)] };
}

/** 2 to 6 members, runs of half an hour to six hours. */
export function randomHabits(random: () => number, sizes: readonly number[], loosest: number): Habit[] {
  const upTo = (most: number): number => Math.floor(random() * most);
  return Array.from({ length: 2 + upTo(5) }, () => {
    const lengthMs = (1 + upTo(12)) * 30 * 60_000;
    return { gpus: sizes[upTo(sizes.length)] ?? 1, lengthMs, limitMs: lengthMs * (1 + upTo(loosest)) };
  });
}

export const DIVIDING = [1, 2, 4, 8];
export const ANY = [1, 2, 3, 4, 5, 6, 7, 8];

if (import.meta.main) {
  const workloads = Number(process.argv[2] ?? 300);
  for (const [name, sizes, loosest] of [
    ['sizes that divide the machine', DIVIDING, 1],
    ['any sizes', ANY, 1],
    ['any sizes, limits up to five times the length', ANY, 5],
  ] as const) {
    const random = seeded(1);
    const all = Array.from({ length: workloads }, () => sharesOf(randomHabits(random, sizes, loosest)));
    const jains = all.map(({ jain }) => jain).sort((a, b) => a - b);
    const at = (part: number): number => Math.round((jains[Math.floor(part * workloads)] ?? 1) * 1000) / 1000;
    const inUse = all.reduce((sum, shares) => sum + shares.inUse, 0) / workloads;
    const below = jains.filter((jain) => jain < 0.95).length;
    // Of equal shares of what was used, the least that any member got.
    const least = all.map(({ shares }) => Math.min(...shares)).sort((a, b) => a - b);
    const leastAt = (part: number): number =>
      Math.round((least[Math.floor(part * workloads)] ?? 1) * 100) / 100;
    console.log(
      JSON.stringify({
        name,
        workloads,
        worst: at(0),
        p1: at(0.01),
        p5: at(0.05),
        median: at(0.5),
        below,
        least: leastAt(0),
        leastP1: leastAt(0.01),
        inUse,
      }),
    );
  }
}
