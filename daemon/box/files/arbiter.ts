// One decision at a time. Whoever can't get the arbiter within its time decides all the same: two decisions at once are
// untidy, not wrong, as only a device's own lock gives it to a run. Nobody who holds it for ever can stop the line.
import { rmSync } from 'node:fs';
import { type LockTable, lockTakers, takeLock } from './locks.ts';
import { isForeign } from './own-names.ts';
import type { BoxPlaces } from './places.ts';
import { tryReplaceOwn } from './write-file.ts';

export const ARBITER_WAIT_MS = 2000;

export interface ArbiterTurn {
  /** False: somebody has been holding it for too long. */
  isAlone: boolean;
}

export class Arbiter {
  readonly #places: BoxPlaces;
  readonly #key: string;
  readonly #locks: LockTable;
  readonly #waitMs: number;

  constructor({
    places,
    key,
    locks,
    waitMs,
  }: {
    places: BoxPlaces;
    key: string;
    locks: LockTable;
    waitMs?: number | undefined;
  }) {
    this.#places = places;
    this.#key = key;
    this.#locks = locks;
    this.#waitMs = waitMs ?? ARBITER_WAIT_MS;
  }

  async decide<Result>(work: (turn: ArbiterTurn) => Promise<Result>): Promise<Result> {
    const lock = await takeLock(this.#places.arbiterLock, this.#waitMs);
    if (lock === undefined) return work({ isAlone: false });
    const name = this.#places.deciding(this.#key);
    try {
      this.#locks.calibrate(this.#places.arbiterLock);
      // For people who look.
      tryReplaceOwn(name, `${process.pid}\n`);
      return await work({ isAlone: true });
    } finally {
      if (!isForeign(name)) rmSync(name, { force: true });
      lock.release();
    }
  }
}

/** The pids that may be holding it, for a message. */
export function arbiterTakers(places: BoxPlaces): number[] {
  return lockTakers(places.arbiterLock);
}
