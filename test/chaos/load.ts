// The load: requests one after another, so many runs in the queue at a time, watched and cancelled as their wishes say.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { LocalRunner } from '../../shared/client/index.ts';
import { QwexError } from '../../shared/errors.ts';
import type { Request } from './journal.ts';
import { persist } from './persist.ts';
import { type Random, randomFor } from './random.ts';
import { submit } from './submit.ts';
import { watchToEnd } from './watcher.ts';
import { wishFor } from './workload.ts';
import { runFolder, type World } from './world.ts';

const OPEN_RUNS = 12;
const LOOK_AGAIN_MS = 50;
const ENDED = new Set(['succeeded', 'failed', 'cancelled']);

export class Load {
  readonly #world: World;
  readonly #runner: LocalRunner;
  readonly #tasks = new Set<Promise<void>>();
  readonly #open = new Set<string>();
  readonly #givenUp = new AbortController();
  #inFlight = 0;

  constructor(world: World) {
    this.#world = world;
    this.#runner = new LocalRunner({ home: world.home, autostart: false });
  }

  /** Submits until `stop`; resolves when every request of it has been answered. */
  async run(stop: AbortSignal): Promise<void> {
    for (let index = 0; !stop.aborted; index += 1) {
      while (!stop.aborted && !(await this.#hasRoom())) await pause(LOOK_AGAIN_MS);
      if (!stop.aborted) this.#track(this.#one(index));
    }
  }

  /** Resolves when all requests are answered and all watchers have seen the end; throws what went wrong in one. */
  async settled(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  /** Lets go of watchers and cancels that nobody answers any more. */
  close(): void {
    this.#givenUp.abort();
  }

  /** Ids that have no end in their folder yet. */
  async unfinished(): Promise<string[]> {
    for (const id of this.#open) if (await this.#hasEnded(id)) this.#open.delete(id);
    return [...this.#open];
  }

  #track(work: Promise<void>): void {
    const task = work.finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
    // Told by settled(); until then it must not end the process.
    task.catch((error: unknown) => this.#world.journal.note({ loadFailed: String(error) }));
  }

  async #hasRoom(): Promise<boolean> {
    return this.#inFlight < 4 && (await this.unfinished()).length + this.#inFlight < OPEN_RUNS;
  }

  async #one(index: number): Promise<void> {
    const { seed, journal } = this.#world;
    const request = journal.open(wishFor(seed, index));
    const random = randomFor(seed ^ 0x5bd1e995, index);
    const after = journal.requests.get(request.wish.after ?? -1)?.ids[0] ?? null;
    this.#inFlight += 1;
    try {
      await this.#submit(request, after, random);
    } finally {
      this.#inFlight -= 1;
    }
    for (const id of request.ids) this.#open.add(id);
    const [first] = request.ids;
    if (first === undefined) return;
    if (request.wish.cancelAfterMs !== null) this.#track(this.#cancel(request, first));
    if (request.wish.isWatched) {
      const watcher = {
        world: this.#world,
        runner: this.#runner,
        random,
        request,
        stop: this.#givenUp.signal,
      };
      this.#track(watchToEnd(watcher, first));
    }
  }

  async #submit(request: Request, after: string | null, random: Random): Promise<void> {
    const by = { world: this.#world, runner: this.#runner, random };
    await submit(by, request, after);
    const wasTooLate = after !== null && request.refusals.some((refusal) => /already ended/.test(refusal));
    if (!wasTooLate) return;
    // What it was to wait for has failed by now: a true answer. Once more, without.
    request.refusals = [];
    request.isUncertain = false;
    await submit(by, request, null);
  }

  async #cancel(request: Request, id: string): Promise<void> {
    await pause(request.wish.cancelAfterMs ?? 0);
    request.cancel = 'asked';
    try {
      await persist(this.#world.revive, () => this.#runner.cancel(id));
      request.cancel = 'accepted';
    } catch (error) {
      if (!(error instanceof QwexError)) throw error;
      // A conflict: it has ended, or an earlier wish arrived whose answer did not.
      if (error.code !== 'conflict') request.refusals.push(`cancel: ${error.code}: ${error.message}`);
    }
  }

  async #hasEnded(id: string): Promise<boolean> {
    try {
      const text = await readFile(join(runFolder(this.#world, id), 'run.json'), 'utf8');
      return ENDED.has((JSON.parse(text) as { phase: string }).phase);
    } catch {
      return false; // not there yet
    }
  }
}
