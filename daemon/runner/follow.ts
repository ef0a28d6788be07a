// From a run's start to the record of its exit: woken by hints, decided by the files that its supervisor wrote.
import { formatDuration } from '../../shared/duration.ts';
import { supervisorFault } from '../fault.ts';
import type { RunRecord } from '../store/record.ts';
import type { ExitFacts } from '../store/store.ts';
import {
  type AdoptResult,
  adoptRun,
  type Finished,
  type Holding,
  inspect,
  readHolding,
  type SuperviseRequest,
  watchDeath,
} from '../supervisor/index.ts';
import type { RunnerDeps } from './deps.ts';

const MAX_ADOPTIONS = 5;

/** What every supervisor of a run is told, the one that starts it and one that takes over. */
export function superviseRequest(
  deps: RunnerDeps,
  run: RunRecord,
  holding: Holding | null,
): SuperviseRequest {
  return {
    runId: run.id,
    runDir: deps.folders.directory(run),
    localDir: deps.folders.localDirectory(run),
    timeLimitMs: holding === null ? run.recipe.resources.timeMs : holding.timeLimitMs,
    devices: holding,
    graceMs: deps.config().graceMs,
    endedDir: deps.paths.ended,
    daemonLock: deps.paths.daemonLock,
    startDaemon: deps.startDaemonCommand,
    daemonEnvironment: deps.daemonEnvironment,
    home: deps.paths.home,
  };
}

/** What the run's last start was given of the machine. */
export async function holdingOf(
  { folders }: Pick<RunnerDeps, 'folders'>,
  run: RunRecord,
): Promise<Holding | null> {
  return run.recipe.resources.gpus > 0 ? readHolding(folders.directory(run)) : null;
}

/** A supervisor's word to a test about where it is to die; nothing outside of tests. */
export function faultIn(deps: RunnerDeps, run: RunRecord): Pick<SuperviseRequest, 'faultPoint'> {
  const faultPoint = supervisorFault();
  if (faultPoint === undefined) return {};
  deps.log.warn({ runId: run.id, faultPoint }, 'a test lets the supervisor kill itself');
  return { faultPoint };
}

export interface Following {
  stopped: AbortSignal;
  /** We have just started its supervisor: it lives, and its end comes to us as a signal. Saves four processes a run. */
  isChild: boolean;
}

/** The run once its exit is recorded; undefined when the daemon stops first. */
export async function follow(
  deps: RunnerDeps,
  run: RunRecord,
  { stopped, isChild }: Following,
): Promise<RunRecord | undefined> {
  if (isChild) await deps.ends.wait(run.id);
  while (!stopped.aborted) {
    const facts = await look(deps, run);
    if (facts === 'again') continue;
    if (facts !== 'alive') return deps.store.exit(run.id, facts);
    await nextHint(deps, run);
  }
  return undefined;
}

async function look(deps: RunnerDeps, run: RunRecord): Promise<ExitFacts | 'alive' | 'again'> {
  const holding = await holdingOf(deps, run);
  const request = superviseRequest(deps, run, holding);
  const found = await inspect(request);
  switch (found.kind) {
    case 'alive':
      return 'alive';
    case 'finished':
      deps.store.addNotes(run.id, notesOf(found));
      return factsOf(request.timeLimitMs, found);
    case 'orphan':
    case 'lost': {
      deps.log.warn({ runId: run.id, found: found.kind }, 'the supervisor is gone: taking over');
      const adopted = await takeOver(deps, run, request);
      if (adopted.kind === 'adopted') void adopted.exited.then(() => deps.ends.signal(run.id));
      if (adopted.kind === 'adopted') return 'alive';
      if (adopted.kind === 'not_needed') return 'again';
      return lostFacts(
        adopted.kind === 'failed'
          ? adopted.message
          : 'it had not begun when its machine or its supervisor went down',
      );
    }
    case 'never_ran':
      return lostFacts('its folder has no trace of a start');
    default:
      return found satisfies never;
  }
}

/** Whoever takes over may be killed as well, and what it was to look after goes on: then another one is tried. */
async function takeOver(deps: RunnerDeps, run: RunRecord, request: SuperviseRequest): Promise<AdoptResult> {
  for (let tries = 1; ; tries += 1) {
    const adopted = await adoptRun({ ...request, ...faultIn(deps, run) });
    if (adopted.kind !== 'failed' || tries === MAX_ADOPTIONS) return adopted;
    deps.log.warn({ runId: run.id, why: adopted.message }, 'taking over failed: once more');
  }
}

async function nextHint(deps: RunnerDeps, run: RunRecord): Promise<void> {
  const hint = deps.ends.wait(run.id);
  const death = watchDeath({ localDir: deps.folders.localDirectory(run) }, () => deps.ends.signal(run.id));
  try {
    await hint;
  } finally {
    death.close();
  }
}

function factsOf(timeLimitMs: number | null, found: Finished): ExitFacts {
  return {
    exitCode: found.exitCode,
    reason: found.cause,
    message: messageOf(timeLimitMs, found),
    startedAt: found.startedAtMs,
    exitedAt: found.finishedAtMs ?? Date.now(),
  };
}

function messageOf(timeLimitMs: number | null, { cause, exitCode, signal }: Finished): string | null {
  switch (cause) {
    case 'exit':
      return exitCode === 0 ? null : `its command exited with code ${exitCode}`;
    case 'signal':
      return `ended by signal ${signal ?? 'unknown'}`;
    case 'timeout':
      return `over its time limit of ${formatDuration(timeLimitMs ?? 0)}`;
    case 'cancelled':
      return exitCode === null
        ? 'cancelled before its command started'
        : `cancelled; its command ended with code ${exitCode}`;
    case 'lost':
      return 'its supervisor died, so nobody saw its exit code';
    default:
      return cause satisfies never;
  }
}

function notesOf({ leftBehind }: Finished): string[] {
  if (leftBehind.length === 0) return [];
  const names = leftBehind
    .slice(0, 5)
    .map(({ name, pid, signal }) => `${name} (pid ${pid}${signal === 'alive' ? ', still alive' : ''})`);
  const more = leftBehind.length > 5 ? ` and ${leftBehind.length - 5} more` : '';
  return [
    `it left processes behind, which were ended: ${names.join(', ')}${more}; to keep one on purpose: qwex detach -- CMD`,
  ];
}

function lostFacts(why: string): ExitFacts {
  return { exitCode: null, reason: 'lost', message: why, startedAt: null, exitedAt: Date.now() };
}
