// Before a run starts: its folder, its space, its variables. Everything here may be done again after a crash.
import { basename, delimiter, join } from 'node:path';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { editableRedirects, type Space } from '../spaces/index.ts';
import type { RunRecord } from '../store/record.ts';
import type { RunnerDeps } from './deps.ts';

export interface Prepared {
  /** Working directory of the command, inside the space. */
  cwd: string;
  /** What the run gets beside the submitter's environment, as long as it has no devices; nothing secret. */
  variables: Record<string, string>;
}

/** Where a run's space is, whether it exists or not. */
export function spacePath(deps: Pick<RunnerDeps, 'paths'>, run: RunRecord): string {
  return join(deps.paths.spaces, run.id);
}

/** Throws a QwexError that says why the run can't start. */
export async function prepare(deps: RunnerDeps, run: RunRecord): Promise<Prepared> {
  const { recipe } = run;
  const parts = [
    loadEnvironment(deps, run),
    deps.spaces.create({
      root: run.root,
      commonDir: run.commonDir,
      sha: recipe.commit,
      path: spacePath(deps, run),
      subdir: recipe.subdir,
      links: recipe.links,
      folders: watchedFolders(recipe.artifacts.watch),
      submodules: recipe.submodules,
    }),
    deps.folders.prepareForStart(run),
    deps.devices.known(),
  ] as const;
  const [environment, space] = await Promise.all(parts).catch(async (error: unknown) => {
    // Whoever gives up takes the space away: by then it must not be in the making any more.
    await Promise.allSettled(parts);
    throw error;
  });
  const redirects = await redirectsFor(run, environment, space);
  deps.store.addNotes(run.id, [...space.warnings, ...redirects.notes]);
  const pythonPath = [...redirects.pythonPath, ...(environment.PYTHONPATH ? [environment.PYTHONPATH] : [])];
  return {
    cwd: space.cwd,
    variables: {
      QWEX_RUN_ID: run.id,
      QWEX_RUN_DIR: deps.folders.directory(run),
      QWEX_WORKSPACE: recipe.workspace,
      QWEX_COMMIT: recipe.commit,
      QWEX_GPUS: '',
      ...deps.devices.noDevices(),
      PYTHONUNBUFFERED: '1',
      ...(redirects.pythonPath.length > 0 && { PYTHONPATH: pythonPath.join(delimiter) }),
    },
  };
}

/** Git keeps no empty folders, so `out/` is missing in every checkout, and `> out/log` would fail only in runs. */
function watchedFolders(watched: readonly string[]): string[] {
  // A name with a dot is more likely that of a file.
  return watched.filter((path) => path !== '.' && !basename(path).includes('.'));
}

async function loadEnvironment(deps: RunnerDeps, run: RunRecord): Promise<Record<string, string>> {
  try {
    return await deps.environments.load(run.environment);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    throw new QwexError({
      code: 'not_found',
      message: `the environment of the run is gone (${deps.environments.path(run.environment)})`,
      hint: 'submit the command again',
      cause: error,
    });
  }
}

async function redirectsFor(run: RunRecord, environment: Record<string, string>, space: Space) {
  try {
    return await editableRedirects({ environment, root: run.root, space: space.path });
  } catch (error) {
    // The working tree that it was submitted from may be gone; then nothing can be imported from it either.
    if (isErrno(error, 'ENOENT')) return { pythonPath: [], notes: [] };
    throw error;
  }
}
