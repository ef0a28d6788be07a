// Hands a prepared run to its supervisor.
import { QwexError } from '../../shared/errors.ts';
import { fault } from '../fault.ts';
import type { RunRecord } from '../store/record.ts';
import { requestCancel, startSupervisor } from '../supervisor/index.ts';
import type { RunnerDeps } from './deps.ts';
import { faultIn, superviseRequest } from './follow.ts';
import type { Prepared } from './prepare.ts';

/** Resolves to true once the command was let go; false when someone has forbidden this attempt to start. */
export async function startRun(deps: RunnerDeps, run: RunRecord, prepared: Prepared): Promise<boolean> {
  const { store, folders, environments, ends } = deps;
  const runDir = folders.directory(run);
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
      const started = store.start(run.id, outcome.startedAtMs ?? Date.now());
      fault('started');
      void outcome.exited.then(() => ends.signal(run.id));
      // A wish that came while the supervisor was being spawned had nobody to go to.
      if (started.cancelRequestedAt !== null) await requestCancel({ runDir });
      return true;
    }
    case 'claimed':
      return false;
    case 'devices_busy':
      throw new QwexError({ code: 'conflict', message: 'its devices were taken by another run' });
    case 'failed':
      throw new QwexError({
        code: 'internal',
        message: `its supervisor could not start: ${outcome.message}`,
      });
    default:
      return outcome satisfies never;
  }
}
