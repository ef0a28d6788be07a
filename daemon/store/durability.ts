// When a commit is on the disk. A sync costs milliseconds, and takes along all that was committed before: so what a run's
// own files tell as well, and recovery reads from them, leaves it to the next commit. That survives any death of this
// process; only a machine that goes down may lose it.
import type { Database } from 'better-sqlite3';

export type Durable = 'at once' | 'with the next';

export class Durability {
  readonly #db: Database;
  /** As the database was opened. */
  #current: Durable = 'at once';

  constructor(db: Database) {
    this.#db = db;
  }

  /** Of the transactions from now on. Not inside of one. */
  of(durable: Durable): void {
    if (this.#current === durable) return;
    this.#db.pragma(`synchronous = ${durable === 'at once' ? 'FULL' : 'NORMAL'}`);
    this.#current = durable;
  }
}
