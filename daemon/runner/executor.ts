// One run as a column of steps: claim, prepare, start, follow, collect, end. Every step writes down what it has done
// before the next begins, so that another daemon can go on from any of them.
import { isNoSpace, QwexError } from '../../shared/errors.ts';
import { hasEnded } from '../../shared/run-state.ts';
import type { RunEvent } from '../../shared/schemas/local.ts';
import { fault } from '../fault.ts';
import { GitKilled } from '../spaces/index.ts';
import type { RunRecord } from '../store/record.ts';
import { clearAttempt, clearFifos } from './clear-attempt.ts';
import { collect } from './collect.ts';
import type { RunnerDeps } from './deps.ts';
import { follow } from './follow.ts';
import { prepare, spacePath } from './prepare.ts';
import { MAX_ATTEMPTS, recordStart, startPrepared } from './start.ts';
import { endingOf } from './verdict.ts';
import { whenRoom } from './when-room.ts';

export class Executor {
  readonly #deps: RunnerDeps;
  readonly #active = new Map<string, Promise<void>>();
  readonly #stopped = new AbortController();

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
  }

  /** Claims a queued run and executes it. Returns at once. */
  start(id: string): void {
    const run = this.#claim(id);
    fault('claimed');
    if (run) this.#track(run.id, () => this.#execute(run));
  }

  /** Holds a queued run, also one that was prepared ahead and waits for devices: that one goes back first. */
  async hold(id: string): Promise<RunRecord> {
    if (this.#deps.devices.withdraw(id)) await this.#active.get(id);
    return this.#deps.store.hold(id);
  }

  /** Goes on with a run that an earlier daemon left running or collecting. */
  resume(run: RunRecord): void {
    this.#track(run.id, () => this.#finish(run, { isChild: false }));
  }

  /** Ends a run that was cancelled while it was being prepared, and never ran. */
  async abandon(run: RunRecord): Promise<void> {
    await this.#giveUp(run, 'cancel');
  }

  /** Tidies up after runs that have just ended in the queue, as what they were to run after had failed. */
  closeUnstarted(events: readonly RunEvent[]): void {
    for (const { runId, reason } of events)
      if (runId !== null && reason === 'dependency')
        this.#track(runId, () => closeRun(this.#deps, this.#deps.store.mustGet(runId)));
  }

  /** Lets go of all runs: they go on, and another daemon finds them. Resolves when no step is in the middle of a write. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const id of this.#active.keys()) this.#deps.ends.signal(id);
    await Promise.all(this.#active.values());
  }

  get activeCount(): number {
    return this.#active.size;
  }

  #claim(id: string): RunRecord | undefined {
    const { store, bootId, disk, log } = this.#deps;
    try {
      return store.claim(id, bootId);
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      log.warn({ err: error, runId: id }, 'the disk is full: nothing starts before there is room');
      disk
        .untilRoom(this.#stopped.signal)
        .catch((problem: unknown) => log.error({ err: problem }, 'looking at the disk failed'));
      return undefined;
    }
  }

  #track(id: string, work: () => Promise<void>): void {
    const { log, ends } = this.#deps;
    const done = work()
      .catch((error: unknown) => log.error({ err: error, runId: id }, 'executing the run failed'))
      .finally(() => {
        this.#active.delete(id);
        ends.forget(id);
      });
    this.#active.set(id, done);
  }

  async #execute(run: RunRecord): Promise<void> {
    const startedAtMs = await this.#prepareAndStart(run);
    if (startedAtMs === null) return;
    // From here on the command runs: whatever goes wrong, its space is not ours to remove.
    const started = await this.#whenRoom(run.id, () => recordStart(this.#deps, run.id, startedAtMs));
    if (started) await this.#finish(started, { isChild: true });
  }

  /** When the command was let go; null when it never will be, and its run has ended or waits again. */
  async #prepareAndStart(run: RunRecord): Promise<number | null> {
    const { store, log } = this.#deps;
    try {
      const prepared = await prepare(this.#deps, run);
      fault('space_created');
      const wish = store.mustGet(run.id);
      if (wish.cancelRequestedAt === null) {
        if (this.#stopped.signal.aborted) return null;
        const start = await startPrepared(this.#deps, run, prepared);
        if (start.kind === 'running') return start.startedAtMs;
        if (start.kind === 'withdrawn') return await this.#putBack(run);
        // The daemon stops; the next one finds it prepared, and never started.
        if (start.kind === 'interrupted' && store.mustGet(run.id).cancelRequestedAt === null) return null;
      }
      await this.#giveUp(store.mustGet(run.id), 'cancel');
    } catch (error) {
      // Not every program that finds no room says so.
      if ((await this.#deps.disk.look()) || isNoSpace(error)) await this.#giveBack(run, error);
      else if (error instanceof GitKilled && run.attempt < MAX_ATTEMPTS) await this.#putBack(run);
      else {
        if (!(error instanceof QwexError)) log.error({ err: error, runId: run.id }, 'preparing failed');
        await this.#giveUp(run, 'fail', error);
      }
    } finally {
      this.#deps.devices.leave(run.id);
    }
    return null;
  }

  /** Back into the queue, as there was no room to prepare it and it surely never ran. Nothing starts before there is. */
  async #giveBack(run: RunRecord, error: unknown): Promise<void> {
    const { log } = this.#deps;
    log.warn({ err: error, runId: run.id }, 'the disk is full: back into the queue');
    await this.#putBack(run);
  }

  /** Back into the queue: this attempt never ran. */
  async #putBack(run: RunRecord): Promise<null> {
    await clearAttempt(this.#deps, run);
    await this.#whenRoom(run.id, () => this.#deps.store.requeue(run.id));
    return null;
  }

  /** From running, or from collecting after a restart, to the end. */
  async #finish(run: RunRecord, { isChild }: { isChild: boolean }): Promise<void> {
    const following = { stopped: this.#stopped.signal, isChild };
    const exited = await this.#whenRoom(run.id, () => {
      const next = { ...following };
      following.isChild = false; // its end has been told by the time this is done again
      return run.phase === 'running' ? follow(this.#deps, run, next) : run;
    });
    if (!exited || hasEnded(exited.phase)) return;
    fault('exit_recorded');
    if (exited.recipe.resources.gpus > 0) this.#deps.devices.ended(exited.id);
    const ended = await this.#whenRoom(run.id, async () => {
      const end = await this.#collect(exited);
      return end();
    });
    if (ended) await this.#close(ended);
  }

  /** Keeps what the run made. Resolves to the record of its end, to be made. */
  async #collect(exited: RunRecord): Promise<() => RunRecord> {
    const { store, log } = this.#deps;
    try {
      const artifacts = await collect(this.#deps, exited);
      await clearFifos(this.#deps, exited);
      fault('space_removed');
      const { verb, ending } = endingOf(exited);
      return () => store[verb](exited.id, { ...ending, artifacts });
    } catch (error) {
      if (isNoSpace(error)) throw error;
      log.error({ err: error, runId: exited.id }, 'collecting failed');
      const why = error instanceof QwexError ? error.message : 'an internal error, see the daemon log';
      const message = `its artifacts could not be collected (${why}); what it wrote is still in ${spacePath(this.#deps, exited)}`;
      // What its command did counts first: a failed run stays one, and may be tried again.
      store.addNotes(exited.id, [message]);
      const { verb, ending } = endingOf(exited);
      if (verb === 'succeed') return () => store.fail(exited.id, { reason: 'collect_failed', message });
      return () => store[verb](exited.id, ending);
    }
  }

  #whenRoom<T>(runId: string, step: () => Promise<T> | T): Promise<T | undefined> {
    return whenRoom(this.#deps, { runId, stopped: this.#stopped.signal }, step);
  }

  /** Ends a run whose command never ran. */
  async #giveUp(run: RunRecord, verb: 'cancel' | 'fail', error?: unknown): Promise<void> {
    const { store } = this.#deps;
    await clearAttempt(this.#deps, run);
    fault('giving_up');
    const why =
      error instanceof QwexError
        ? [error.message, error.hint].filter(Boolean).join('; ')
        : 'an internal error, see the daemon log';
    const ended = await this.#whenRoom(run.id, () =>
      verb === 'cancel'
        ? store.cancel(run.id, { reason: 'cancelled', message: 'cancelled before its command started' })
        : store.fail(run.id, { reason: 'prepare_failed', message: `it could not be prepared: ${why}` }),
    );
    if (ended) await this.#close(ended);
  }

  async #close(run: RunRecord): Promise<void> {
    await closeRun(this.#deps, run);
  }
}

/** What is done once a run has ended: its environment goes, its mark in ended/, the space of an attempt cut short. */
export async function closeRun(deps: RunnerDeps, run: RunRecord): Promise<void> {
  const { store, environments, folders, ends } = deps;
  fault('ended');
  // A git that outlived its daemon may have made something since the attempt was cleared.
  if (run.startedAt === null && run.attempt > 0) await clearAttempt(deps, run);
  // Nothing may come between the question and the removal, or a submit could have begun to rely on the file.
  if (!store.runs.usesEnvironment(run.environment)) environments.removeSync(run.environment);
  fault('environment_removed');
  await folders.clearEnded(run);
  ends.forget(run.id);
}
