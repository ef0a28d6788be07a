// The daemon's record of a run as the protocol shows it.
import { shortId } from '../../shared/ids.ts';
import { hasEnded, statusOf } from '../../shared/run-state.ts';
import type { Artifact, Run } from '../../shared/schemas/run.ts';
import type { Explanation } from '../box/index.ts';
import type { RunFolders } from '../rundir/run-folders.ts';
import type { DeviceLine } from '../scheduler/device-line.ts';
import { explainWaiting } from '../scheduler/explain.ts';
import { isReady } from '../scheduler/plan.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import type { RunRecord } from '../store/record.ts';
import type { Store } from '../store/store.ts';

export interface PresentContext {
  store: Store;
  scheduler: Scheduler;
  line: Pick<DeviceLine, 'explain'>;
  folders: RunFolders;
  problem: () => string | null;
}

export function presentRun(context: PresentContext, run: RunRecord, artifacts?: Artifact[]): Run {
  const ahead = isInQueue(run) ? context.store.runs.countAhead(run) : null;
  return { ...present(context, run, ahead), ...(artifacts && { artifacts }) };
}

/** Many at once: the places in the queue are found in one pass, not counted for each. */
export function presentRuns(context: PresentContext, runs: readonly RunRecord[]): Run[] {
  const places = runs.some(isInQueue) ? context.store.runs.places() : new Map<string, number>();
  return runs.map((run) => present(context, run, places.get(run.id) ?? null));
}

function isInQueue(run: RunRecord): boolean {
  return run.phase === 'queued' && isReady(run) && run.recipe.resources.gpus === 0;
}

/** Waits for devices, prepared for them or not. */
function isInLine(run: RunRecord): boolean {
  if (run.recipe.resources.gpus === 0 || run.cancelRequestedAt !== null) return false;
  return run.phase === 'preparing' || (run.phase === 'queued' && isReady(run));
}

function present(context: PresentContext, run: RunRecord, ahead: number | null): Run {
  const { recipe } = run;
  const [command = '', ...args] = recipe.command;
  const dependencies = context.store.runs.dependencies(run.id);
  const inLine = isInLine(run) ? context.line.explain(run.id) : null;
  return {
    id: run.id,
    name: run.name,
    status: statusOf(run.phase),
    phase: run.phase,
    command,
    args,
    createdAt: iso(run.createdAt),
    startedAt: isoOrNull(run.startedAt),
    finishedAt: isoOrNull(run.finishedAt),
    exitCode: run.exitCode,
    backend: recipe.runner,
    source: { sha: recipe.commit },
    reason: run.reason,
    message: isWaiting(run) ? waitingFor(context, run, { dependencies, ahead, inLine }) : messageOf(run),
    jobId: run.jobId,
    workspace: recipe.workspace,
    root: run.root,
    subdir: recipe.subdir,
    directory: context.folders.directory(run),
    resources: recipe.resources,
    devices: run.devices,
    priority: run.priority,
    held: run.held,
    after: dependencies.map(({ id, policy }) => ({ id, policy })),
    retryOf: run.retryOf,
    retriedBy: run.retriedBy,
    retriesLeft: run.retriesLeft,
    attempt: run.attempt,
    cancelRequestedAt: isoOrNull(run.cancelRequestedAt),
    position: inLine === null ? (ahead === null ? null : ahead + 1) : inLine.position,
    notes: run.notes,
    artifactCount: run.artifactCount,
    artifactBytes: run.artifactBytes,
  };
}

function waitingFor(
  { scheduler, problem }: PresentContext,
  run: RunRecord,
  {
    dependencies,
    ahead,
    inLine,
  }: {
    dependencies: readonly { id: string; met: boolean }[];
    ahead: number | null;
    inLine: Explanation | null;
  },
): string {
  const needs = dependencies
    .filter((dependency) => !dependency.met)
    .map((dependency) => shortId(dependency.id));
  return explainWaiting(
    { held: run.held, needs, ahead: ahead ?? 0, devices: inLine },
    scheduler.resources(),
    problem(),
  );
}

function isWaiting(run: RunRecord): boolean {
  return run.phase === 'queued' || isInLine(run);
}

function messageOf(run: RunRecord): string | null {
  if (hasEnded(run.phase) || run.message !== null) return run.message;
  if (run.cancelRequestedAt !== null && run.phase !== 'collecting') return 'cancelling: it was asked to end';
  return (
    { preparing: 'preparing its checkout', collecting: 'collecting its artifacts' }[run.phase as string] ??
    null
  );
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function isoOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : iso(timeMs);
}
