// What can go: old runs with everything about them when asked, left-over files past their term, spaces of runs that are
// no more or that wait for another, and pins of commits that no run is made from. Tells what it would do; does it only when forced.
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../shared/errors.ts';
import { shortId } from '../../shared/ids.ts';
import type { HomePaths } from '../../shared/paths.ts';
import { hasEnded } from '../../shared/run-state.ts';
import type { GcResponse } from '../../shared/schemas/local.ts';
import { isLeftExpired } from '../artifacts/left.ts';
import type { RunFolders } from '../rundir/run-folders.ts';
import { listPinned, type Spaces, unpinCommits } from '../spaces/index.ts';
import type { RunRecord } from '../store/record.ts';
import type { Store } from '../store/store.ts';
import { diskUsage } from './disk-usage.ts';

export interface GcDeps {
  paths: HomePaths;
  store: Store;
  folders: RunFolders;
  spaces: Spaces;
  /** Commits that a submission has pinned, or is about to, and that no run is made from yet. */
  commitsInSubmission: () => Iterable<string>;
  nowMs: () => number;
}

export interface GcRequest {
  force: boolean;
  olderThanMs?: number | undefined;
}

interface Item {
  kind: string;
  path: string;
  why: string;
  /** Null for what takes no room worth counting. */
  bytes: number | null;
  remove: () => Promise<void>;
}

export async function collectGarbage(deps: GcDeps, request: GcRequest): Promise<GcResponse> {
  // Before any run is forgotten: with its last run, nothing else remembers a repository.
  const repositories = new Map(
    deps.store.runs.repositories().map(({ commonDir, root }) => [commonDir, root]),
  );
  const old =
    request.olderThanMs === undefined ? [] : deps.store.runs.endedBefore(deps.nowMs() - request.olderThanMs);
  const items: Item[] = [];
  for (const found of [
    oldRuns(deps, old),
    expiredLeftovers(deps, deps.store.runs.endedBefore(deps.nowMs())),
    straySpaces(deps),
    waitingSpaces(deps),
    needlessPins(deps, { repositories, dropped: new Set(old.map(({ id }) => id)) }),
  ]) {
    for await (const item of found) {
      items.push(item);
      if (request.force) await item.remove();
    }
  }
  return {
    forced: request.force,
    items: items.map(({ kind, path, bytes, why }) => ({ kind, path, bytes, why })),
  };
}

async function* oldRuns({ store, folders }: GcDeps, runs: readonly RunRecord[]): AsyncGenerator<Item> {
  for (const run of runs) {
    const path = folders.directory(run);
    const why = `run ${run.name ?? shortId(run.id)} ended ${new Date(run.finishedAt ?? 0).toISOString()}`;
    const remove = async () => {
      await folders.remove(run);
      store.forget(run.id);
    };
    yield { kind: 'run', path, why, bytes: await diskUsage(path), remove };
  }
}

/** The `left/` folders of these runs whose days are over. */
export async function* expiredLeftovers(
  { folders, nowMs }: Pick<GcDeps, 'folders' | 'nowMs'>,
  runs: readonly RunRecord[],
): AsyncGenerator<Item> {
  for (const run of runs) {
    const path = join(folders.directory(run), 'left');
    if (!(await isLeftExpired(path, nowMs()))) continue;
    const remove = async () => {
      await rm(path, { recursive: true, force: true });
      await rm(join(folders.directory(run), 'left.json'), { force: true });
    };
    yield { kind: 'left files', path, why: 'older than 7 days', bytes: await diskUsage(path), remove };
  }
}

async function* straySpaces({ paths, store, spaces, folders }: GcDeps): AsyncGenerator<Item> {
  for (const name of await namesIn(paths.spaces)) {
    const run = store.runs.get(name);
    if (name.startsWith('.') || (run && !hasEnded(run.phase))) continue;
    // What couldn't be collected was left in its space on purpose, for its owner to look at.
    if (run?.startedAt && !(await exists(join(folders.directory(run), 'artifacts.json')))) continue;
    const path = join(paths.spaces, name);
    const remove = () =>
      run ? spaces.remove({ path, commonDir: run.commonDir }) : rm(path, { recursive: true, force: true });
    yield {
      kind: 'space',
      path,
      why: run ? 'its run has ended' : 'no run has it',
      bytes: await diskUsage(path),
      remove,
    };
  }
}

async function* waitingSpaces({ spaces }: GcDeps): AsyncGenerator<Item> {
  for (const { path, commonDir } of [...spaces.waiting]) {
    const why = `waits for the next run of ${commonDir}`;
    yield { kind: 'space', path, why, bytes: await diskUsage(path), remove: () => spaces.giveUp(path) };
  }
}

async function* needlessPins(
  { store, paths, commitsInSubmission }: GcDeps,
  { repositories, dropped }: { repositories: ReadonlyMap<string, string>; dropped: ReadonlySet<string> },
): AsyncGenerator<Item> {
  // Daemons on other machines pin in the same repositories, and what they need isn't in this index.
  if (paths.machine !== null) return;
  for (const [commonDir, root] of repositories) {
    if (!(await exists(root))) continue;
    const pinned = await listPinned(root);
    const needed = () => new Set([...store.runs.commitsOf(commonDir, dropped), ...commitsInSubmission()]);
    const kept = needed();
    for (const sha of pinned.filter((each) => !kept.has(each))) {
      // Asked again at the last moment: a submission may just have begun to rely on it.
      const remove = async () => {
        if (!needed().has(sha)) await unpinCommits(root, new Set(pinned.filter((each) => each !== sha)));
      };
      yield {
        kind: 'pinned commit',
        path: `${root} ${sha}`,
        why: 'no run is made from it',
        bytes: null,
        remove,
      };
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
