// Hands a prepared run to its supervisor, once it has the devices that it asks for.
import { QwexError } from '../../shared/errors.ts';
import type { OwnGrant } from '../box/index.ts';
import { fault } from '../fault.ts';
import type { RunRecord } from '../store/record.ts';
import {
  type Holding,
  requestCancel,
  type StartResult,
  startSupervisor,
  writeHolding,
} from '../supervisor/index.ts';
import type { RunnerDeps } from './deps.ts';
import { faultIn, holdingOf, superviseRequest } from './follow.ts';
import type { Prepared } from './prepare.ts';

/**
 * A run that can't begin as something killed what prepares it, and has surely run nothing, is tried this often. Attempts
 * that a daemon didn't live to see the end of count too.
 */
export const MAX_ATTEMPTS = 10;

export type Start =
  /** Its command was let go then (ms since 1970). */
  | { kind: 'running'; startedAtMs: number }
  /** Someone has forbidden this attempt to start. */
  | { kind: 'forbidden' }
  /** It is to go back into the queue. */
  | { kind: 'withdrawn' }
  /** Cancelled while it waited, or the daemon stops. */
  | { kind: 'interrupted' };

/** Resolves once the command was let go, or certainly won't be. Throws only when nothing runs. */
export async function startPrepared(deps: RunnerDeps, run: RunRecord, prepared: Prepared): Promise<Start> {
  const { folders, devices } = deps;
  await folders.settled(run.id);
  if (run.recipe.resources.gpus === 0)
    return outcomeOf(deps, run, await letGo(deps, run, { ...prepared, holding: null }));
  for (;;) {
    const turn = await devices.turnOf(run.id);
    if (turn.kind !== 'granted') return turn;
    const outcome = await startWith(deps, run, { ...prepared, grant: turn.grant });
    // Somebody was faster, and no trace is left: the same attempt waits for its next turn.
    if (outcome.kind !== 'devices_busy') return outcomeOf(deps, run, outcome);
  }
}

async function startWith(
  deps: RunnerDeps,
  run: RunRecord,
  { grant, cwd, variables }: Prepared & { grant: OwnGrant },
): Promise<StartResult> {
  const { folders, devices } = deps;
  let hasStarted = false;
  try {
    const { lockPaths, leasePath, lifePath } = grant;
    const timeLimitMs = devices.timeLimitMs(run.recipe.resources);
    const holding = { devices: grant.devices, lockPaths, leasePath, lifePath, timeLimitMs };
    await writeHolding(folders.directory(run), holding);
    const outcome = await letGo(deps, run, { cwd, variables: { ...variables, ...grant.variables }, holding });
    hasStarted = outcome.kind === 'started';
    if (outcome.kind === 'started') await devices.started(run.id, outcome.supervisor);
    return outcome;
  } finally {
    if (!hasStarted) devices.giveBack(run.id);
  }
}

async function letGo(
  deps: RunnerDeps,
  run: RunRecord,
  { cwd, variables, holding }: Prepared & { holding: Holding | null },
): Promise<StartResult> {
  fault('before_spawn');
  const outcome = await startSupervisor({
    ...superviseRequest(deps, run, holding),
    ...faultIn(deps, run),
    attempt: run.attempt,
    cwd,
    environmentFile: deps.environments.path(run.environment),
    variables,
    umask: run.umask,
  });
  if (outcome.kind === 'started') {
    fault('spawned');
    void outcome.exited.then(() => deps.ends.signal(run.id));
  }
  return outcome;
}

function outcomeOf({ log }: RunnerDeps, run: RunRecord, outcome: StartResult): Start {
  switch (outcome.kind) {
    case 'started':
      return { kind: 'running', startedAtMs: outcome.startedAtMs ?? Date.now() };
    case 'claimed':
      return { kind: 'forbidden' };
    case 'devices_busy':
      throw new TypeError('devices were busy of a run that asks for none');
    case 'failed': {
      const isFull = /No space left on device|Disk quota exceeded/.test(outcome.message);
      if (!isFull && run.attempt < MAX_ATTEMPTS) {
        log.warn({ runId: run.id, why: outcome.message }, 'the supervisor died before it began: once more');
        return { kind: 'withdrawn' };
      }
      throw new QwexError({
        code: isFull ? 'no_space' : 'internal',
        message: `its supervisor could not start: ${outcome.message}`,
      });
    }
    default:
      return outcome satisfies never;
  }
}

/** Writes down that the command runs. Safe to repeat. */
export async function recordStart(deps: RunnerDeps, id: string, startedAtMs: number): Promise<RunRecord> {
  const { store, folders } = deps;
  const holding = await holdingOf(deps, store.mustGet(id));
  const run = store.mustGet(id);
  const started = run.phase === 'preparing' ? store.start(id, startedAtMs, holding?.devices) : run;
  fault('started');
  // A wish that came while the supervisor was being spawned had nobody to go to.
  if (started.cancelRequestedAt !== null) await requestCancel({ runDir: folders.directory(started) });
  return started;
}
