// One chaos run from beginning to end: a load, a saboteur, peace, and the count of what was not as promised.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { FAULT_POINTS } from '../../daemon/fault.ts';
import { LOCAL_API } from '../../shared/api.ts';
import { LocalRunner } from '../../shared/client/index.ts';
import { lives } from '../rig/processes.ts';
import { check, type Summary } from './checker.ts';
import type { VictimPart } from './journal.ts';
import { Load } from './load.ts';
import { persist } from './persist.ts';
import { daemonPid, endProcesses } from './prey.ts';
import { Saboteur } from './saboteur.ts';
import { makeWorld, type World } from './world.ts';

export interface ChaosOptions {
  seed: number;
  /** Ends when so many faults were brought about … */
  faults: number;
  /** … or when so many seconds are over, whichever is first. */
  seconds: number;
  /** Told from time to time how far it is. */
  onProgress?: (text: string) => void;
}

export interface ChaosReport extends Summary {
  seed: number;
  seconds: number;
  faults: Record<string, number>;
  faultCount: number;
  /** Holds home, repository, ledger and journal; the caller removes it. */
  folder: string;
}

/** Of the supervisor, each a place in its script. */
const SUPERVISOR_POINTS = [
  ...['lock', 'devices', 'claim_created', 'claim', 'gate', 'forked', 'pid', 'started_at', 'go', 'timer'],
  ...['announced', 'job_ended', 'swept', 'finished_at', 'facts', 'devices_released'],
  ...['exit_code', 'ended', 'daemon', 'adopted'],
];

/** After the last fault everything has to come to its end in this time. */
const PEACE_MS = 90_000;
const LOOK_AGAIN_MS = 100;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const world = await makeWorld(options.seed);
  const begin = Date.now();
  const isOver = () =>
    world.journal.faultCount >= options.faults || Date.now() - begin >= options.seconds * 1000;
  const stop = new AbortController();
  const load = new Load(world);
  const progress = setInterval(() => {
    options.onProgress?.(`${world.journal.faultCount} faults, ${world.journal.requests.size} requests`);
  }, 10_000);
  try {
    const loading = load.run(stop.signal);
    await new Saboteur(world, { daemon: FAULT_POINTS, supervisor: SUPERVISOR_POINTS }).run(isOver);
    stop.abort();
    await loading;
    await makePeace(world, load);
  } finally {
    clearInterval(progress);
    load.close();
  }
  const summary = await check(world, await victimsOf(world));
  endProcesses(world);
  return {
    ...{ seed: options.seed, seconds: Math.round((Date.now() - begin) / 1000), folder: world.folder },
    ...{ faults: Object.fromEntries([...world.journal.faults].sort()), faultCount: world.journal.faultCount },
    ...summary,
  };
}

/** Lets everything end by itself under a daemon that nobody disturbs, and stops that daemon. */
async function makePeace(world: World, load: Load): Promise<void> {
  const runner = new LocalRunner({ home: world.home, autostart: false });
  const deadline = Date.now() + PEACE_MS;
  await disarm(world, runner);
  await Promise.race([load.settled(), pause(PEACE_MS)]);
  const isBusy = async () => {
    const { counts } = await persist(world.revive, () => runner.request<Status>(LOCAL_API.status));
    return (counts.pending ?? 0) + (counts.running ?? 0) > 0 || (await trashOf(world)).length > 0;
  };
  while ((await isBusy()) && Date.now() < deadline) await pause(LOOK_AGAIN_MS);
  const pid = daemonPid(world.home);
  await persist(world.revive, () => runner.request(LOCAL_API.stop, { body: { restart: false } }));
  while (pid !== undefined && lives(pid) && Date.now() < deadline) await pause(LOOK_AGAIN_MS);
}

type Status = { counts: Record<string, number> };

/** The daemon may still be one that was told to die. */
async function disarm(world: World, runner: LocalRunner): Promise<void> {
  const armed = daemonPid(world.home);
  if (armed !== undefined && lives(armed)) process.kill(armed, 'SIGKILL');
  await persist(world.revive, () => runner.request(LOCAL_API.status));
}

function trashOf({ home }: World): Promise<string[]> {
  return readdir(join(home, 'spaces', '.trash')).catch(() => []);
}

/** What the saboteur killed, and the supervisors that the daemon's log says were told to kill themselves. */
async function victimsOf(world: World): Promise<Map<string, Set<VictimPart>>> {
  const victims = new Map([...world.journal.victims].map(([id, parts]) => [id, new Set(parts)] as const));
  const logs = (await readdir(world.home)).filter((name) => name.startsWith('daemon.log'));
  for (const log of logs) {
    for (const line of (await readFile(join(world.home, log), 'utf8')).split('\n')) {
      if (!line.includes('"faultPoint"')) continue;
      const { runId, faultPoint } = JSON.parse(line) as { runId: string; faultPoint: string };
      world.journal.count(`supervisor at ${faultPoint}`);
      victims.set(runId, (victims.get(runId) ?? new Set<VictimPart>()).add('supervisor'));
    }
  }
  return victims;
}
