// One decision at a time. Whoever can't get the arbiter within its time decides all the same: two decisions at once are
// untidy, not wrong, as only a device's own lock gives it to a run. Nobody who holds it for ever can stop the line.
import { rmSync } from 'node:fs';
import { readProcess } from '../processes.ts';
import { type LockTable, lockTakers, takeLock } from './locks.ts';
import { isForeign } from './own-names.ts';
import type { BoxPlaces } from './places.ts';
import { ForeignFolder } from './read-file.ts';
import { overwriteOwn, tryReplaceOwn } from './write-file.ts';

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
    this.#locks.warm();
    const lock = await takeLock(this.#places.arbiterLock, this.#waitMs);
    if (lock === undefined) return work({ isAlone: false });
    try {
      await this.#locks.calibrate(this.#places.arbiterLock);
      this.#say(`${process.pid}`);
      return await work({ isAlone: true });
    } finally {
      this.#say('');
      lock.release();
    }
  }

  /** Leaves nothing of ours. */
  close(): void {
    const path = this.#places.deciding(this.#key);
    if (!isForeign(path)) rmSync(path, { force: true });
  }

  /** For people who look. Over what is there, as making a file takes as long as all the rest. */
  #say(text: string): void {
    const path = this.#places.deciding(this.#key);
    if (isForeign(path)) return;
    const line = `${text.padEnd(NAME_BYTES)}\n`;
    if (!overwriteOwn(path, line)) tryReplaceOwn(path, line);
  }
}

const NAME_BYTES = 15;

/** The pids of those who may be holding it, for a message: what daemons say, and the kernel of all other programs. */
export async function arbiterTakers(places: BoxPlaces): Promise<number[]> {
  const said = new ForeignFolder(places.leases, '.deciding', ({ text, uid }) => {
    const pid = Number(text);
    return readProcess(pid)?.uid === uid ? pid : 'it names no process of its owner';
  });
  return [...(await lockTakers(places.arbiterLock)), ...said.read().entries.map(({ content }) => content)];
}
