// A thread that looks at the machine again and again, undisturbed by what the test does: two runs on a device at once, and
// devices that stay free while somebody entitled waits. Ends when its counter is set; says then what it saw.
import { parentPort, workerData } from 'node:worker_threads';
import { IdleWatch, type IdleWindow } from './idle.ts';
import { BoxReader, type LivingRun, livingRuns, pressureMs, runOf } from './look.ts';
import { Pressure } from './pressure.ts';

export interface ObserverData {
  box: string;
  /** Device → type. */
  types: ReadonlyMap<string, string>;
  /** uid → where the spaces of its runs are made. */
  spaces: ReadonlyMap<number, string>;
  stop: Int32Array<SharedArrayBuffer>;
}

export interface Observation {
  looks: number;
  windows: (IdleWindow & { pressureMs: number })[];
  /** A line for each pair of runs that were seen on one device. */
  doubles: string[];
  /** Device-milliseconds in which a device was held or used, of all there were. */
  usedShare: number;
  /** Of the time, how much somebody had to wait for a CPU or a disk. */
  pressure: number;
}

const EVERY_MS = 25;

function observe({ box, types, spaces, stop }: ObserverData): Observation {
  const reader = new BoxReader(box, [...types.keys()], spaces);
  const uids = new Set(spaces.keys());
  const watch = new IdleWatch(types);
  const doubles = new Set<string>();
  const [beganMs, pressureBeganMs] = [Date.now(), pressureMs()];
  const pressure = new Pressure();
  const totals = { looks: 0, used: 0 };
  do {
    const atMs = Date.now();
    pressure.note(atMs, pressureMs());
    const { locked, waiting, ...look } = reader.look();
    const runs = livingRuns(uids);
    const used = new Set([...runs.values()].flatMap(({ devices }) => devices));
    for (const device of used) for (const pair of pairsOn(device, runs)) doubles.add(pair);
    const free = [...types.keys()].filter((device) => !locked.has(device) && !used.has(device));
    const idle = waiting.filter(({ run }) => !runs.has(run));
    watch.note({ ...look, atMs, free, waiting: idle });
    totals.looks += 1;
    totals.used += types.size - free.length;
  } while (Atomics.wait(stop, 0, 0, EVERY_MS) === 'timed-out');
  const { looks, used } = totals;
  return {
    looks,
    windows: watch.end(Date.now()).map((window) => ({
      ...window,
      pressureMs: pressure.between(window.startMs, window.startMs + window.lengthMs),
    })),
    doubles: [...doubles],
    usedShare: used / types.size / looks,
    pressure: (pressureMs() - pressureBeganMs) / (Date.now() - beganMs),
  };
}

/** A look takes a while, in which one may end and the next begin: both are looked at once more. */
function pairsOn(device: string, runs: ReadonlyMap<string, LivingRun>): string[] {
  const here = [...runs.values()].filter(({ devices }) => devices.includes(device));
  if (here.length < 2) return [];
  const alive = here.filter(({ run, pids }) => pids.some((pid) => runOf(pid).run === run));
  const again = alive.filter(({ run, pids }) => pids.some((pid) => runOf(pid).run === run));
  return again.length < 2
    ? []
    : [`${device}: ${again.map(({ run, pids }) => `${run} (pids ${pids})`).join(', ')}`];
}

parentPort?.postMessage(observe(workerData as ObserverData));
