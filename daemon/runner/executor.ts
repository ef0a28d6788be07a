// One run as a column of steps: claim, prepare, start, follow, collect, end. Every step writes down what it has done
// before the next begins, so that another daemon can go on from any of them.
import { QwexError } from '../../shared/errors.ts';
import { hasEnded } from '../../shared/run-state.ts';
import { fault } from '../fault.ts';
import type { RunRecord } from '../store/record.ts';
import { collect } from './collect.ts';
import type { RunnerDeps } from './deps.ts';
import { follow } from './follow.ts';
import { prepare, spacePath } from './prepare.ts';
import { startRun } from './start.ts';
import { endingOf } from './verdict.ts';

export class Executor {
  readonly #deps: RunnerDeps;
  readonly #active = new Map<string, Promise<void>>();
  readonly #stopped = new AbortController();

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
  }

  /** Claims a queued run and executes it. Returns at once. */
  start(id: string): void {
    const run = this.#deps.store.claim(id, this.#deps.bootId);
    fault('claimed');
    this.#track(run.id, () => this.#execute(run));
  }

  /** Goes on with a run that an earlier daemon left running or collecting. */
  resume(run: RunRecord): void {
    this.#track(run.id, () => this.#finish(run, { isChild: false }));
  }

  /** Ends a run that was cancelled while it was being prepared, and never ran. */
  async abandon(run: RunRecord): Promise<void> {
    await this.#giveUp(run, 'cancel');
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
    const { store } = this.#deps;
    try {
      const prepared = await prepare(this.#deps, run);
      fault('space_created');
      const wish = store.mustGet(run.id);
      if (wish.cancelRequestedAt !== null) return await this.#giveUp(wish, 'cancel');
      if (this.#stopped.signal.aborted) return;
      if (!(await startRun(this.#deps, run, prepared)))
        return await this.#giveUp(store.mustGet(run.id), 'cancel');
    } catch (error) {
      if (!(error instanceof QwexError))
        this.#deps.log.error({ err: error, runId: run.id }, 'preparing failed');
      return await this.#giveUp(run, 'fail', error);
    }
    await this.#finish(store.mustGet(run.id), { isChild: true });
  }

  /** From running, or from collecting after a restart, to the end. */
  async #finish(run: RunRecord, { isChild }: { isChild: boolean }): Promise<void> {
    const exited =
      run.phase === 'running'
        ? await follow(this.#deps, run, { stopped: this.#stopped.signal, isChild })
        : run;
    if (!exited || hasEnded(exited.phase)) return;
    fault('exit_recorded');
    const { store, log } = this.#deps;
    try {
      const artifacts = await collect(this.#deps, exited);
      fault('space_removed');
      const { verb, ending } = endingOf(exited);
      await this.#close(store[verb](exited.id, { ...ending, artifacts }));
    } catch (error) {
      log.error({ err: error, runId: run.id }, 'collecting failed');
      const why = error instanceof QwexError ? error.message : 'an internal error, see the daemon log';
      const message = `its artifacts could not be collected (${why}); what it wrote is still in ${spacePath(this.#deps, run)}`;
      await this.#close(store.fail(exited.id, { reason: 'collect_failed', message }));
    }
  }

  /** Ends a run whose command never ran. */
  async #giveUp(run: RunRecord, verb: 'cancel' | 'fail', error?: unknown): Promise<void> {
    const { store, spaces } = this.#deps;
    await spaces.remove({ path: spacePath(this.#deps, run), commonDir: run.commonDir });
    fault('giving_up');
    if (verb === 'cancel') {
      await this.#close(
        store.cancel(run.id, { reason: 'cancelled', message: 'cancelled before its command started' }),
      );
      return;
    }
    const why =
      error instanceof QwexError
        ? [error.message, error.hint].filter(Boolean).join('; ')
        : 'an internal error, see the daemon log';
    await this.#close(
      store.fail(run.id, { reason: 'prepare_failed', message: `it could not be prepared: ${why}` }),
    );
  }

  async #close(run: RunRecord): Promise<void> {
    await closeRun(this.#deps, run);
  }
}

/** What is done once a run has ended: its environment goes, its mark in ended/, the space of an attempt cut short. */
export async function closeRun(deps: RunnerDeps, run: RunRecord): Promise<void> {
  const { store, environments, folders, ends } = deps;
  fault('ended');
  if (run.startedAt === null && run.attempt > 0)
    await deps.spaces.remove({ path: spacePath(deps, run), commonDir: run.commonDir });
  // Nothing may come between the question and the removal, or a submit could have begun to rely on the file.
  if (!store.runs.usesEnvironment(run.environment)) environments.removeSync(run.environment);
  fault('environment_removed');
  await folders.clearEnded(run);
  ends.forget(run.id);
}
