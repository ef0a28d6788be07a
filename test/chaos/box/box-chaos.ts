// One chaos of the box from beginning to end: members who submit, a saboteur, peace, and the count of what was not as promised.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type BoxSummary, checkBox } from './checker.ts';
import { BoxLoad } from './load.ts';
import type { Observation, ObserverData } from './observer.ts';
import { BoxSaboteur } from './saboteur.ts';
import { BoxWorld } from './world.ts';

export interface BoxChaosOptions {
  seed: number;
  accounts: number;
  /** Type of each device. */
  types: readonly string[];
  /** Ends after so many seconds … */
  seconds: number;
  /** … or so many leases, whichever is first. */
  leases: number;
  /** Between two kills, on average. */
  paceMs: number;
  /** The folder stays, to be looked at. */
  isKept?: boolean;
  /** Ends early, and leaves nothing. */
  signal?: AbortSignal;
  onProgress?: (text: string) => void;
}

export interface BoxChaosReport extends BoxSummary {
  seed: number;
  accounts: number;
  devices: number;
  seconds: number;
  faults: Record<string, number>;
  faultCount: number;
  usedShare: number;
  pressure: number;
  folder: string;
}

const LOOK_AGAIN_MS = 100;
const PEACE_MS = 60_000;

export async function runBoxChaos(options: BoxChaosOptions): Promise<BoxChaosReport> {
  const world = await BoxWorld.make(options);
  const begin = Date.now();
  try {
    for (const member of world.members) await member.revive();
    const observer = observe(world);
    const load = new BoxLoad(world);
    const saboteur = new BoxSaboteur(world, options);
    await disturb({ world, load, saboteur, options });
    const observation = await observer.end();
    await stopDaemons(world);
    const { promised } = load;
    const summary = await checkBox(world, { promised, victims: saboteur.victims, observation });
    const faults = Object.fromEntries([...saboteur.faults].sort());
    const faultCount = Object.values(faults).reduce((sum, count) => sum + count, 0);
    const { usedShare, pressure } = observation;
    return {
      ...{
        seed: options.seed,
        accounts: options.accounts,
        devices: options.types.length,
        faults,
        faultCount,
      },
      ...{ seconds: Math.round((Date.now() - begin) / 1000), usedShare, pressure, folder: world.folder },
      ...summary,
    };
  } finally {
    if (options.isKept === true) world.removeAccounts();
    else world[Symbol.dispose]();
  }
}

interface Parts {
  world: BoxWorld;
  load: BoxLoad;
  saboteur: BoxSaboteur;
  options: BoxChaosOptions;
}

/** Until enough has happened; then everything ends by itself, under daemons that nobody disturbs. */
async function disturb({ world, load, saboteur, options }: Parts): Promise<void> {
  const stop = new AbortController();
  const loading = load.run(stop.signal);
  // What goes wrong in it is thrown below, once nothing is under way any more.
  loading.catch(() => stop.abort());
  const sabotage = saboteur.run(stop.signal);
  const deadlineMs = Date.now() + options.seconds * 1000;
  let told = Date.now();
  const isEnough = (): boolean =>
    Date.now() >= deadlineMs || leasesOf(world) >= options.leases || options.signal?.aborted === true;
  while (!isEnough() && !stop.signal.aborted) {
    await pause(LOOK_AGAIN_MS);
    if (Date.now() - told < 10_000) continue;
    told = Date.now();
    options.onProgress?.(`${leasesOf(world)} leases, ${load.promised.length} requests`);
  }
  stop.abort();
  await sabotage;
  await Promise.race([loading, pause(PEACE_MS)]);
}

function leasesOf({ shared }: BoxWorld): number {
  return readFileSync(join(shared, 'ledger'), 'utf8').split(' begin ').length - 1;
}

function observe(world: BoxWorld): { end: () => Promise<Observation> } {
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const types = new Map(world.deviceIds.map((id, index) => [id, world.types[index] ?? 'fake'] as const));
  const spaces = new Map(
    world.members.map(({ account, home }) => [account.uid, join(home, 'spaces')] as const),
  );
  const workerData: ObserverData = { box: world.box, types, spaces, stop };
  const worker = new Worker(new URL('observer.ts', import.meta.url), { workerData });
  const said = once(worker, 'message') as Promise<[Observation]>;
  return {
    end: async () => {
      Atomics.store(stop, 0, 1);
      Atomics.notify(stop, 0);
      return (await said)[0];
    },
  };
}

/** A supervisor has a few things to do after the end of its run was announced, a daemon after it was told to stop. */
async function stopDaemons(world: BoxWorld): Promise<void> {
  for (const member of world.members) await member.qwex('daemon', 'stop');
  const deadlineMs = Date.now() + PEACE_MS;
  while (world.processes().length > 0 && Date.now() < deadlineMs) await pause(LOOK_AGAIN_MS);
}
