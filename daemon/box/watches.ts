// What tells a daemon that the box has changed: its wake file, box.yaml, and the ends of those who hold a device or stand
// before it in the line. Events and deadlines only; nothing here looks by itself, but for processes that no event tells of.
import { type Watch, watchOrLook } from '../../shared/watch-or-look.ts';
import { awaitFreeLock } from '../supervisor/lock.ts';
import { watchLife } from './files/life.ts';
import type { BoxPlaces } from './files/places.ts';
import { awaitDeath, type LivingProcess } from './processes.ts';

export interface LifeTarget {
  /** The fifo that its holder keeps open; null when nobody is known to. */
  life: string | null;
  /** Waited for when the fifo tells nothing; null: then it isn't waited for. */
  lock: string | null;
  /** Somebody who holds neither, and whose end is the one to wait for. */
  process: LivingProcess | null;
}

export interface WatchEvents {
  onCalled: () => void;
  onBoxFile: () => void;
  /** Somebody who was being watched is gone: the name under which that one was followed. */
  onEnd: (name: string) => void;
  onDeadline: () => void;
}

export class BoxWatches {
  readonly #places: BoxPlaces;
  readonly #events: WatchEvents;
  readonly #watchers: Watch[] = [];
  readonly #lives = new Map<string, { close(): void }>();
  #deadline: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #closed = false;
  #outOfWatches: string | null = null;

  constructor(places: BoxPlaces, events: WatchEvents) {
    this.#places = places;
    this.#events = events;
  }

  start(key: string): void {
    const usual = {
      persistent: false,
      // The folder of the box is being removed under us: the next decision says so.
      onError: () => this.#emit('onCalled'),
      onDegraded: (error: Error) => {
        this.#outOfWatches = error.message;
      },
    };
    this.#watchers.push(
      watchOrLook(this.#places.wakeFile(key), { ...usual, onHint: () => this.#emit('onCalled') }),
      watchOrLook(this.#places.root, {
        ...usual,
        onHint: (name) => {
          if (name === 'box.yaml' || name === null) this.#emit('onBoxFile');
        },
      }),
    );
  }

  /** Why it looks now and then instead of being told; null when it is told. */
  get outOfWatches(): string | null {
    return this.#outOfWatches;
  }

  /** From now on these are watched, by name, and no others. */
  follow(targets: ReadonlyMap<string, LifeTarget>): void {
    for (const [name, life] of this.#lives) {
      if (targets.has(name)) continue;
      life.close();
      this.#lives.delete(name);
    }
    for (const [name, target] of targets) {
      if (this.#lives.has(name) || this.#closed) continue;
      const life = this.#watchOne(target, () => {
        this.#lives.delete(name);
        if (!this.#closed) this.#events.onEnd(name);
      });
      if (life !== undefined) this.#lives.set(name, life);
    }
  }

  /** One deadline at a time, the earliest that is asked for; null for none. */
  wakeAt(delayMs: number | null): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    if (delayMs === null || this.#closed) return;
    this.#deadline = setTimeout(() => this.#emit('onDeadline'), delayMs);
    this.#deadline.unref();
  }

  /** Whatever deadline there is, and will be: what calls for this may come while a decision is on its way. */
  wakeSoon(delayMs: number): void {
    if (this.#closed) return;
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#emit('onDeadline');
    }, delayMs);
  }

  close(): void {
    this.#closed = true;
    this.wakeAt(null);
    clearTimeout(this.#soon);
    for (const watcher of this.#watchers) watcher.close();
    for (const life of this.#lives.values()) life.close();
    this.#lives.clear();
  }

  #watchOne({ life, lock, process }: LifeTarget, onEnd: () => void): { close(): void } | undefined {
    if (process !== null) return awaitDeath(process, onEnd);
    const watched = life === null ? undefined : watchLife(life, onEnd);
    return watched ?? (lock === null ? undefined : awaitFreeLock(lock, onEnd));
  }

  #emit(event: Exclude<keyof WatchEvents, 'onEnd'>): void {
    if (!this.#closed) this.#events[event]();
  }
}
