// What can go: pins of commits that no run is made from, left-over files past their term, spaces of runs that are no
// more, and, when asked, old runs with everything about them. Tells what it would do; does it only when forced.
import { access, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../shared/errors.ts';
import { shortId } from '../../shared/ids.ts';
import type { HomePaths } from '../../shared/paths.ts';
import { hasEnded } from '../../shared/run-state.ts';
import type { GcResponse } from '../../shared/schemas/local.ts';
import { isLeftExpired } from '../artifacts/left.ts';
import type { RunFolders } from '../rundir/run-folders.ts';
import { listPinned, type Spaces, unpinCommits } from '../spaces/index.ts';
import type { Store } from '../store/store.ts';

export interface GcDeps {
  paths: HomePaths;
  store: Store;
  folders: RunFolders;
  spaces: Spaces;
  nowMs: () => number;
}

interface Item {
  kind: string;
  path: string;
  why: string;
  remove: () => Promise<void>;
}

export async function collectGarbage(
  deps: GcDeps,
  request: { force: boolean; olderThanMs?: number | undefined },
): Promise<GcResponse> {
  const items: Item[] = [];
  const take = async (found: AsyncIterable<Item> | Item[]) => {
    for await (const item of found) {
      items.push(item);
      if (request.force) await item.remove();
    }
  };
  if (request.olderThanMs !== undefined) await take(oldRuns(deps, deps.nowMs() - request.olderThanMs));
  await take(expiredLeftovers(deps));
  await take(straySpaces(deps));
  await take(needlessPins(deps));
  return {
    forced: request.force,
    items: items.map(({ kind, path, why }) => ({ kind, path, bytes: null, why })),
  };
}

function oldRuns({ store, folders }: GcDeps, beforeMs: number): Item[] {
  return store.runs.endedBefore(beforeMs).map((run) => ({
    kind: 'run',
    path: folders.directory(run),
    why: `run ${run.name ?? shortId(run.id)} ended ${new Date(run.finishedAt ?? 0).toISOString()}`,
    remove: async () => {
      await folders.remove(run);
      store.forget(run.id);
    },
  }));
}

async function* expiredLeftovers({ store, folders, nowMs }: GcDeps): AsyncGenerator<Item> {
  for (const run of store.runs.endedBefore(nowMs())) {
    const path = join(folders.directory(run), 'left');
    if (!(await isLeftExpired(path, nowMs()))) continue;
    const remove = async () => {
      await rm(path, { recursive: true, force: true });
      await rm(join(folders.directory(run), 'left.json'), { force: true });
    };
    yield { kind: 'left files', path, why: 'older than 7 days', remove };
  }
}

async function* straySpaces({ paths, store, spaces }: GcDeps): AsyncGenerator<Item> {
  for (const name of await namesIn(paths.spaces)) {
    if (name.startsWith('.')) continue;
    const run = store.runs.get(name);
    if (run && !hasEnded(run.phase)) continue;
    // What couldn't be collected was left in its space on purpose, for its owner to look at.
    if (run?.reason === 'collect_failed') continue;
    const path = join(paths.spaces, name);
    const remove = () =>
      run ? spaces.remove({ path, commonDir: run.commonDir }) : rm(path, { recursive: true, force: true });
    yield { kind: 'space', path, why: run ? 'its run has ended' : 'no run has it', remove };
  }
}

async function* needlessPins({ store }: GcDeps): AsyncGenerator<Item> {
  const keep = new Map<string, Set<string>>();
  for (const { root, commit } of store.runs.commitsByRoot())
    keep.set(root, (keep.get(root) ?? new Set()).add(commit));
  for (const [root, commits] of keep) {
    if (!(await exists(root))) continue;
    for (const sha of (await listPinned(root)).filter((pinned) => !commits.has(pinned))) {
      const unpin = async () => {
        // Asked again at the last moment: a submit may just have begun to rely on it.
        const now = store.runs.commitsByRoot().filter((pair) => pair.root === root);
        const others = (await listPinned(root)).filter((pinned) => pinned !== sha);
        await unpinCommits(root, new Set([...others, ...now.map(({ commit }) => commit)]));
      };
      yield { kind: 'pinned commit', path: `${root} ${sha}`, why: 'no run is made from it', remove: unpin };
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
  return access(path).then(
    () => true,
    () => false,
  );
}
