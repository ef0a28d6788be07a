// After a run's last process is gone: keep what it made, take its space away. May be done again after a crash, at any
// point: what was kept stays kept.
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { writeLeft } from '../artifacts/left-manifest.ts';
import { type Manifest, readManifest } from '../artifacts/manifest.ts';
import { fault } from '../fault.ts';
import type { RunRecord } from '../store/record.ts';
import { inspect } from '../supervisor/index.ts';
import type { RunnerDeps } from './deps.ts';
import { spacePath } from './prepare.ts';

/** New entries in a space that nobody would look for in `left/`. */
const NOT_WORTH_KEEPING = [
  '__pycache__',
  '.pytest_cache',
  '.ruff_cache',
  '.mypy_cache',
  '.ipynb_checkpoints',
  'node_modules',
  '.DS_Store',
];

export interface Collected {
  count: number;
  bytes: number;
}

/** Keeps artifacts and left-over files, then removes the space. Throws `no_space` and the like; the space then stays. */
export async function collect(deps: RunnerDeps, run: RunRecord): Promise<Collected> {
  const directory = deps.folders.directory(run);
  const path = spacePath(deps, run);
  const located = { path, commonDir: run.commonDir };
  let manifest: Manifest | null = null;
  if (await exists(path)) {
    fault('collecting');
    const { watch, ignore, maxFileBytes } = run.recipe.artifacts;
    const changes = await deps.spaces.inspect(located, watch);
    manifest = await deps.collector.collect({
      space: path,
      watchDirectories: watch,
      ignorePatterns: ignore,
      maxFileBytes,
      filesDir: join(directory, 'files'),
      manifestFile: join(directory, 'artifacts.json'),
      unchanged: changes.unchanged,
    });
    fault('manifest_written');
    await keepLeft(deps, run, changes.added);
    fault('left_kept');
  }
  // Also when the folder is gone: who took it away may have died before the rest.
  if (await mayBeUsedAgain(deps, run)) await deps.spaces.giveBack(located);
  else await deps.spaces.remove(located);
  manifest ??= await readManifest(join(directory, 'artifacts.json'));
  return { count: manifest?.artifacts.length ?? 0, bytes: manifest?.totals.sizeBytes ?? 0 };
}

/** Only when all went its ordinary way: nobody knows what a process that had to be ended was in the middle of. */
async function mayBeUsedAgain({ folders }: RunnerDeps, run: RunRecord): Promise<boolean> {
  // A layer may have handed the space to something that isn't ours: a container, another host.
  if (run.reason !== 'exit' || run.cancelRequestedAt !== null || run.recipe.runner !== 'base') return false;
  const found = await inspect({ runDir: folders.directory(run), localDir: folders.localDirectory(run) });
  return found.kind === 'finished' && found.cause === 'exit' && found.leftBehind.length === 0;
}

/** What the program left elsewhere: kept for some days and named in the run's notes. */
async function keepLeft(deps: RunnerDeps, run: RunRecord, added: string[]): Promise<void> {
  const directory = deps.folders.directory(run);
  const { watch } = run.recipe.artifacts;
  const entries = added.map((entry) => entry.replace(/\/$/, '')).filter((entry) => !isWatched(entry, watch));
  const { kept } = await deps.collector.keepLeft({
    space: spacePath(deps, run),
    entries,
    leftDir: join(directory, 'left'),
    ignorePatterns: NOT_WORTH_KEEPING,
  });
  if (kept.length === 0) return;
  await writeLeft(directory, kept);
  const names = kept.slice(0, 10).map(({ path }) => path);
  const more = kept.length > names.length ? ` and ${kept.length - names.length} more` : '';
  deps.store.addNotes(run.id, [
    `left outside of the watched directories, kept for 7 days in ${join(directory, 'left')}: ${names.join(', ')}${more}`,
  ]);
}

/** True for a watched directory and for everything below one. */
function isWatched(entry: string, watch: readonly string[]): boolean {
  return watch.some(
    (directory) => directory === '.' || entry === directory || entry.startsWith(`${directory}/`),
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
