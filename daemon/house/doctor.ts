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
  /** Why no run gets devices. */
  boxProblem: () => string | null;
}

export async function examine(deps: DoctorDeps, cwd: string | undefined): Promise<Check[]> {
  const checks = await Promise.all([
    ...machineChecks(deps.paths.home),
    ...homeChecks(deps.paths),
    queue(deps),
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

function box({ boxProblem }: DoctorDeps): Check {
  const message = boxProblem();
  if (message === null) return ok('box', 'in use; more with: qwex box doctor');
  return fault('box', message, 'then: qwex daemon restart');
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
