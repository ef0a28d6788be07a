// Hands a prepared run to its supervisor.
import { QwexError } from '../../shared/errors.ts';
import { fault } from '../fault.ts';
import type { RunRecord } from '../store/record.ts';
import { requestCancel, startSupervisor } from '../supervisor/index.ts';
import type { RunnerDeps } from './deps.ts';
import { faultIn, superviseRequest } from './follow.ts';
import type { Prepared } from './prepare.ts';

/**
 * Resolves once the command was let go, to when that was (ms since 1970); to null when someone has forbidden this
 * attempt to start. Throws only when nothing runs.
 */
export async function letGo(deps: RunnerDeps, run: RunRecord, prepared: Prepared): Promise<number | null> {
  const { folders, environments, ends } = deps;
  await folders.settled(run.id);
  fault('before_spawn');
  const outcome = await startSupervisor({
    ...superviseRequest(deps, run),
    ...faultIn(deps, run),
    attempt: run.attempt,
    cwd: prepared.cwd,
    environmentFile: environments.path(run.environment),
    variables: prepared.variables,
    umask: run.umask,
    deviceLocks: [],
  });
  switch (outcome.kind) {
    case 'started': {
      fault('spawned');
      void outcome.exited.then(() => ends.signal(run.id));
      return outcome.startedAtMs ?? Date.now();
    }
    case 'claimed':
      return null;
    case 'devices_busy':
      throw new QwexError({ code: 'conflict', message: 'its devices were taken by another run' });
    case 'failed':
      throw new QwexError({
        code: /No space left on device|Disk quota exceeded/.test(outcome.message) ? 'no_space' : 'internal',
        message: `its supervisor could not start: ${outcome.message}`,
      });
    default:
      return outcome satisfies never;
  }
}

/** Writes down that the command runs. Safe to repeat. */
export async function recordStart(deps: RunnerDeps, id: string, startedAtMs: number): Promise<RunRecord> {
  const { store, folders } = deps;
  const run = store.mustGet(id);
  const started = run.phase === 'preparing' ? store.start(id, startedAtMs) : run;
  fault('started');
  // A wish that came while the supervisor was being spawned had nobody to go to.
  if (started.cancelRequestedAt !== null) await requestCancel({ runDir: folders.directory(started) });
  return started;
}
