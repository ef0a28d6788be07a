// What a database that was set aside still knows: runs whose folders can't be read, the keys of requests, whether the
// queue is paused. Asked of a copy, as SQLite writes into a file even to read it: the one set aside stays byte for byte.
import { copyFile, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, messageOf } from '../../shared/errors.ts';
import { type HomePaths, runDirectory } from '../../shared/paths.ts';
import { hasEnded } from '../../shared/run-state.ts';
import { openWhole } from '../store/database.ts';
import type { RestoredRun, RunRecord } from '../store/record.ts';
import { Store } from '../store/store.ts';

export interface CarriedOver {
  runs: RunRecord[];
  /** Why nothing could be asked of it; null when it could, or when there is none. */
  unreadable: string | null;
}

interface Former {
  /** Where it was set aside; null for none. */
  file: string | null;
  paths: HomePaths;
  /** The new one, with all runs that came from their folders. */
  store: Store;
}

const RUNS_AT_ONCE = 500;

/** Takes over from the former index what the new one lacks. An ended run without a folder was removed by its owner. */
export async function carryOver({ file, paths, store }: Former): Promise<CarriedOver> {
  if (file === null) return { runs: [], unreadable: null };
  const folder = `${paths.database}.copy`;
  await rm(folder, { recursive: true, force: true });
  try {
    const former = new Store(openWhole({ file: await copyDatabase(file, folder), exclusive: true }));
    try {
      return { runs: await copyRuns(former, store, paths), unreadable: null };
    } finally {
      former.close();
    }
  } catch (error) {
    // It may be damaged in whatever way. What the folders know is in the new index already.
    return { runs: [], unreadable: messageOf(error) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyDatabase(file: string, folder: string): Promise<string> {
  await mkdir(folder, { mode: 0o700 });
  const copy = join(folder, 'qwex.db');
  for (const suffix of ['', '-wal'])
    await copyFile(file + suffix, copy + suffix).catch((error: unknown) => {
      if (suffix === '' || !isErrno(error, 'ENOENT')) throw error;
    });
  return copy;
}

async function copyRuns(former: Store, store: Store, paths: HomePaths): Promise<RunRecord[]> {
  const { last } = former.events.bounds();
  const taken: RunRecord[] = [];
  for (let beforeSeq: number | undefined; ; ) {
    const page = former.runs.list({ limit: RUNS_AT_ONCE, beforeSeq });
    if (page.length === 0) break;
    beforeSeq = page.at(-1)?.seq;
    const found: RestoredRun[] = [];
    for (const run of page.filter(({ id }) => store.runs.get(id) === undefined))
      if (await isStillWanted(run, paths)) found.push(asRestored(former, run, last));
    store.restore(found);
    taken.push(...found.map(({ run }) => run));
  }
  store.transaction(() => {
    for (const { key, runIds, createdAt } of former.requests.all())
      if (store.requests.find(key) === undefined) store.requests.remember(key, runIds, createdAt);
    if (former.isPaused) store.setPaused(true);
  });
  return taken;
}

async function isStillWanted(run: RunRecord, paths: HomePaths): Promise<boolean> {
  if (!hasEnded(run.phase)) return true;
  try {
    await stat(runDirectory(paths, run.recipe.workspace, run.id));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

function asRestored(former: Store, run: RunRecord, lastEventSeq: number): RestoredRun {
  const { script, sources } = former.mustGetScript(run.jobId);
  return { run, after: former.runs.dependencies(run.id), script, sources, lastEventSeq };
}
