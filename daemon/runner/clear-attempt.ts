// Takes away what an attempt to start a run has made, once nothing of that attempt lives any more. Done before its end
// or its return to the queue is written down: after that nobody would come back for it.
import type { RunRecord } from '../store/record.ts';
import { removeFifos } from '../supervisor/index.ts';
import type { RunnerDeps } from './deps.ts';
import { spacePath } from './prepare.ts';

/** The space, its entry in the repository, the supervisor's fifos. Again, or for one that made nothing, is fine. */
export async function clearAttempt(
  deps: Pick<RunnerDeps, 'spaces' | 'folders' | 'paths'>,
  run: RunRecord,
): Promise<void> {
  await deps.spaces.remove({ path: spacePath(deps, run), commonDir: run.commonDir });
  await clearFifos(deps, run);
}

/** For a run whose space has been collected. */
export async function clearFifos({ folders }: Pick<RunnerDeps, 'folders'>, run: RunRecord): Promise<void> {
  await removeFifos({ localDir: folders.localDirectory(run), attempts: run.attempt });
}
