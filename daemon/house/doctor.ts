// Looks at everything that runs depend on and says what is wrong, and what to do. Changes nothing.
import { QwexError } from '../../shared/errors.ts';
import type { Check } from '../../shared/schemas/local.ts';
import { loadWorkspace } from '../config/index.ts';
import { preflight } from '../spaces/index.ts';
import { fault, ok, warning } from './checks/check.ts';
import { homeChecks } from './checks/home.ts';
import { machineChecks } from './checks/machine.ts';
import { runChecks } from './checks/runs.ts';
import type { GcDeps } from './gc.ts';

export interface DoctorDeps extends GcDeps {
  /** A fault that forbids new starts. */
  problem: () => string | null;
  index: {
    /** Whether its file is still where it was opened. */
    isInPlace(): boolean;
  };
  /** Why no run gets devices, and what else people should know. */
  box: BoxState;
}

export interface BoxState {
  readonly problem: string | null;
  readonly notice: string | null;
  again(): Promise<void>;
}

const FOUND_AGAIN = 'when that is mended it is found without a restart; to see whether: qwex box';

export async function examine(deps: DoctorDeps, cwd: string | undefined): Promise<Check[]> {
  const checks = await Promise.all([
    ...machineChecks(deps.paths.home),
    ...homeChecks(deps.paths),
    queue(deps),
    ...index(deps),
    spaces(deps),
    box(deps),
    runChecks(deps),
    ...(cwd === undefined ? [] : [workspace(cwd)]),
  ]);
  return checks.flat();
}

function queue({ store, problem }: DoctorDeps): Check {
  const trouble = problem();
  if (trouble !== null) return fault('queue', trouble, 'make room: qwex gc');
  if (store.isPaused) return warning('queue', 'paused', 'qwex resume');
  const { pending, running } = store.runs.countByStatus();
  return ok('queue', `${running} running, ${pending} pending`);
}

function index({ paths, index: { isInPlace } }: DoctorDeps): Check[] {
  if (isInPlace()) return [];
  const message = `${paths.database} was removed or replaced while it was in use: what is written to it now goes with this daemon`;
  return [fault('index', message, 'qwex doctor --rebuild makes it anew from the run folders')];
}

function spaces({ spaces: { waiting } }: DoctorDeps): Check {
  const repositories = new Set(waiting.map(({ commonDir }) => commonDir)).size;
  if (waiting.length === 0) return ok('spaces', 'none waits for the next run');
  const of = `${repositories} ${repositories === 1 ? 'repository' : 'repositories'}`;
  return ok('spaces', `${waiting.length} of ${of} waiting for the next run; to remove them: qwex gc --force`);
}

async function box({ box: state }: DoctorDeps): Promise<Check> {
  await state.again();
  const { problem, notice } = state;
  if (problem !== null) return fault('box', problem, FOUND_AGAIN);
  if (notice !== null) return { name: 'box', state: 'warning', message: notice };
  return ok('box', 'in use; more with: qwex box doctor');
}

async function workspace(cwd: string): Promise<Check> {
  const name = 'workspace';
  try {
    const git = await preflight(cwd);
    const { file, name: called } = await loadWorkspace(git.root);
    const state = git.dirty.length === 0 ? 'clean' : `${git.dirty.length} uncommitted changes`;
    return ok(name, `${called} at ${git.root} (${file ?? 'no config'}; ${state})`);
  } catch (error) {
    if (!(error instanceof QwexError)) throw error;
    const { message, hint } = error;
    return { name, state: 'warning', message, ...(hint !== undefined && { hint }) };
  }
}
