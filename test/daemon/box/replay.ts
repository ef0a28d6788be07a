// Prints, one JSON line each, what three policies make of the same workload: the plan of the box, first come first served,
// and greedy skipping. `node test/daemon/box/replay.ts`
import { planBox } from '../../../daemon/box/plan/plan.ts';
import { machine, policy } from './machines.ts';
import { fifo, greedySkipping, type Outcome, type Policy, simulate } from './simulator.ts';
import { type TraceShape, traceLike } from './workload.ts';

const HOUR_MS = 3_600_000;

export interface Figures {
  policy: string;
  utilisation: number;
  meanWaitH: number;
  medianWaitH: number;
  p99WaitH: number;
  meanWaitLargeH: number;
  /** Runs of members who ask for less than an equal share of the device time. */
  meanWaitLightH: number;
}

const POLICIES: readonly (readonly [name: string, decide: Policy])[] = [
  ['box', planBox],
  ['fifo', fifo],
  ['greedy skipping', greedySkipping],
];

export function replay(shape: TraceShape, seed: number): Figures[] {
  const runs = traceLike(shape, seed);
  const lastMs = Math.max(...runs.map(({ submitMs }) => submitMs));
  return POLICIES.map(([name, decide]) => {
    const { outcomes } = simulate(runs, {
      devices: machine(shape.devices),
      policy: policy(),
      decide,
      halfLifeMs: 7 * 24 * HOUR_MS,
    });
    return figuresOf(name, outcomes, { devices: shape.devices, lastMs });
  });
}

function figuresOf(
  name: string,
  outcomes: readonly Outcome[],
  { devices, lastMs }: { devices: number; lastMs: number },
): Figures {
  const waits = outcomes.map(waitH).sort((a, b) => a - b);
  const large = outcomes.filter(({ gpus }) => gpus >= devices / 2).map(waitH);
  const busyMs = outcomes.reduce(
    (sum, { gpus, startMs, endMs }) => sum + gpus * Math.max(0, Math.min(endMs, lastMs) - startMs),
    0,
  );
  const demand = new Map<number, number>();
  for (const { member, gpus, startMs, endMs } of outcomes) {
    demand.set(member, (demand.get(member) ?? 0) + gpus * (endMs - startMs));
  }
  const equalShare = mean([...demand.values()]);
  const light = outcomes.filter(({ member }) => (demand.get(member) ?? 0) < equalShare);
  return {
    policy: name,
    // While work still arrives: after that, machines run empty whatever the policy.
    utilisation: round(busyMs / devices / lastMs),
    meanWaitH: round(mean(waits)),
    medianWaitH: round(waits[Math.floor(waits.length / 2)] ?? 0),
    p99WaitH: round(waits[Math.floor(waits.length * 0.99)] ?? 0),
    meanWaitLargeH: round(mean(large)),
    meanWaitLightH: round(mean(light.map(waitH))),
  };
}

const waitH = ({ startMs, submitMs }: Outcome): number => (startMs - submitMs) / HOUR_MS;
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
const round = (value: number): number => Math.round(value * 1000) / 1000;

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

/** Each figure's mean over several workloads of one shape. */
function averaged(shape: TraceShape): Figures[] {
  const all = SEEDS.map((seed) => replay(shape, seed));
  return POLICIES.map(([name], index) => {
    const rows = all.flatMap((figures) => figures[index] ?? []);
    const of = (pick: (row: Figures) => number): number => round(mean(rows.map(pick)));
    return {
      policy: name,
      utilisation: of((row) => row.utilisation),
      meanWaitH: of((row) => row.meanWaitH),
      medianWaitH: of((row) => row.medianWaitH),
      p99WaitH: of((row) => row.p99WaitH),
      meanWaitLargeH: of((row) => row.meanWaitLargeH),
      meanWaitLightH: of((row) => row.meanWaitLightH),
    };
  });
}

if (import.meta.main) {
  for (const load of [0.7, 0.9]) {
    const shape = { runs: 1500, members: 8, devices: 8, load };
    for (const figures of averaged(shape)) {
      console.log(JSON.stringify({ ...shape, workloads: SEEDS.length, ...figures }));
    }
  }
}
