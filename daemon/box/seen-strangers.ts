// What this daemon has seen of strangers on devices. It counts for a while, then the driver is asked again; at once when
// the process is gone.
import type { StrangerNote } from './files/notes.ts';
import { awaitDeath, readProcess } from './processes.ts';

/** How long somebody's word about a stranger counts before a device is looked at again. */
export const STRANGER_MS = 30_000;

interface Seen {
  note: StrangerNote;
  watch: { close(): void } | undefined;
}

export class SeenStrangers {
  readonly #onGone: () => void;
  /** By device. */
  readonly #seen = new Map<string, Seen>();

  constructor(onGone: () => void) {
    this.#onGone = onGone;
  }

  add(notes: readonly StrangerNote[]): void {
    for (const note of notes) {
      const { device, pid } = note;
      this.#drop(device);
      // One in another container is not to be seen from here.
      const process = pid === null ? undefined : readProcess(pid);
      const watch = process && awaitDeath(process, () => this.#end(device));
      this.#seen.set(device, { note, watch });
    }
  }

  standing(nowMs: number): StrangerNote[] {
    for (const [device, { note }] of this.#seen) if (nowMs - note.seenMs >= STRANGER_MS) this.#drop(device);
    return [...this.#seen.values()].map(({ note }) => note);
  }

  close(): void {
    for (const device of this.#seen.keys()) this.#drop(device);
  }

  #end(device: string): void {
    this.#drop(device);
    this.#onGone();
  }

  #drop(device: string): void {
    this.#seen.get(device)?.watch?.close();
    this.#seen.delete(device);
  }
}
