// Random workloads, always the same ones for the same seed. The shape is that of the GPU clusters that have published
// theirs: most runs want one device, few want many, and lengths are log-normal over four orders of magnitude.
import type { SimulatedRun } from './simulator.ts';

/** mulberry32: small, seeded, good enough for workloads. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Standard normal, by Box and Muller. */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export interface TraceShape {
  runs: number;
  members: number;
  devices: number;
  /** Device-seconds asked for, over those that the machine has in the same time. */
  load: number;
}

/** Devices of a run, and how often. */
const SIZES: readonly (readonly [gpus: number, share: number])[] = [
  [1, 0.8],
  [2, 0.07],
  [4, 0.07],
  [8, 0.06],
];

const MEDIAN_LENGTH_MS = 15 * 60_000;
const SIGMA = 2;
const LONGEST_MS = 2 * 24 * 3_600_000;

export function traceLike(shape: TraceShape, seed: number): SimulatedRun[] {
  const random = seeded(seed);
  const runs = Array.from({ length: shape.runs }, (_, index): SimulatedRun => {
    const lengthMs = Math.round(
      Math.min(LONGEST_MS, Math.max(10_000, MEDIAN_LENGTH_MS * Math.exp(SIGMA * normal(random)))),
    );
    return {
      id: `run-${index}`,
      // A few members submit most of the runs.
      member: Math.floor(shape.members * random() ** 2),
      gpus: Math.min(shape.devices, pickSize(random)),
      type: null,
      priority: 0,
      submitMs: 0,
      // People round up, generously: two to five times what it takes.
      limitMs: Math.ceil(lengthMs * (2 + 3 * random())),
      lengthMs,
    };
  });
  const demand = runs.reduce((sum, { gpus, lengthMs }) => sum + gpus * lengthMs, 0);
  const meanGapMs = demand / shape.devices / shape.load / shape.runs;
  let nowMs = 0;
  for (const run of runs) {
    nowMs += -Math.log(1 - random()) * meanGapMs;
    run.submitMs = Math.round(nowMs);
  }
  return runs;
}

function pickSize(random: () => number): number {
  let rest = random();
  for (const [gpus, share] of SIZES) {
    rest -= share;
    if (rest < 0) return gpus;
  }
  return 1;
}
