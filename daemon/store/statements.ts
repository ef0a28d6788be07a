// SQL that is said often is prepared once.
import type { Database, Statement } from 'better-sqlite3';

/** All that reads and writes need of a database. */
export interface Preparer {
  prepare(sql: string): Statement;
}

export class Statements implements Preparer {
  readonly #db: Database;
  readonly #prepared = new Map<string, Statement>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** The same statement for the same text: whoever plucks one must be the only one to say that text. */
  prepare(sql: string): Statement {
    const known = this.#prepared.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }
}
