// At the start of a daemon, before it serves: every run that an earlier one left unfinished is looked at and taken on
// from where it is. Sources that disagree count in this order: exit file, database, run folder.

import { fault } from '../fault.ts';
import type { RunRecord } from '../store/record.ts';
import { inspectNamed, preventStart, requestCancel } from '../supervisor/index.ts';
import { clearAttempt } from './clear-attempt.ts';
import type { RunnerDeps } from './deps.ts';
import type { Executor } from './executor.ts';
import { holdingOf } from './follow.ts';

/** Looks at all unfinished runs side by side; a run that can't be looked at is logged and holds up no other. */
export async function recover(
  deps: RunnerDeps,
  executor: Executor,
  newer: ReadonlySet<string> = new Set(),
): Promise<void> {
  const { store, log } = deps;
  const unfinished = store.runs.unfinished();
  fault('recovering');
  await Promise.all(
    unfinished.map(async (run) => {
      try {
        if (newer.has(run.id)) return;
        await deps.folders.tidy(run);
        await recreateFolder(deps, run);
        if (run.phase !== 'queued') await takeOn(deps, executor, run);
        fault('recovered');
      } catch (error) {
        log.error({ err: error, runId: run.id }, 'the run could not be recovered');
      }
    }),
  );
}

/** An acknowledged run is in the database; its folder may have been lost with the machine's last seconds. */
async function recreateFolder({ store, folders }: RunnerDeps, run: RunRecord): Promise<void> {
  if (await folders.isComplete(run)) return;
  const job = store.runs.script(run.jobId);
  if (!job) return;
  const after = store.runs.dependencies(run.id);
  await folders.create(run, job);
  await folders.writeRecord(run, after);
}

async function takeOn(deps: RunnerDeps, executor: Executor, run: RunRecord): Promise<void> {
  const { store, log } = deps;
  log.info({ runId: run.id, phase: run.phase }, 'taking on a run');
  if (run.phase === 'collecting') return executor.resume(run);
  const runDir = deps.folders.directory(run);
  if (run.cancelRequestedAt !== null) await requestCancel({ runDir });
  if (run.phase === 'running') return executor.resume(run);
  const localDir = deps.folders.localDirectory(run);
  let found = await inspectNamed({ runDir, localDir });
  // Whoever takes the claim of an attempt decides that it never starts; a starter that is still on its way loses.
  if (found.kind === 'never_ran' && !(await preventStart({ runDir, attempt: run.attempt })))
    found = await inspectNamed({ runDir, localDir });
  if (found.kind === 'never_ran') {
    fault('attempt_prevented');
    if (run.cancelRequestedAt !== null) return executor.abandon(run);
    await clearAttempt(deps, run);
    store.requeue(run.id);
    return;
  }
  const startedAt = 'startedAtMs' in found ? found.startedAtMs : null;
  const holding = await holdingOf(deps, run);
  executor.resume(store.start(run.id, startedAt ?? run.claimedAt ?? Date.now(), holding?.devices));
}
