// Opens the database file: durable commits, one writer. A file that SQLite can't read is set aside, never overwritten.
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { QwexError } from '../../shared/errors.ts';
import { migrate } from './schema.ts';

export interface OpenedDatabase {
  db: Database.Database;
  /** Where a damaged file went; the index has to be rebuilt from the run folders. */
  setAside: string | null;
  /** No database was there: an empty one was made. */
  created: boolean;
}

export interface DatabaseOptions {
  file: string;
  /** On a network file system shared memory doesn't work: the lock is then held as long as the daemon lives. */
  exclusive: boolean;
  nowMs: number;
}

export function openDatabase(options: DatabaseOptions): OpenedDatabase {
  mkdirSync(dirname(options.file), { recursive: true, mode: 0o700 });
  const existed = existsSync(options.file);
  try {
    return { db: open(options), setAside: null, created: !existed };
  } catch (error) {
    if (error instanceof QwexError || !isDamage(error)) throw error;
    const setAside = `${options.file}.damaged-${options.nowMs}`;
    for (const suffix of ['', '-wal', '-shm']) {
      if (existsSync(options.file + suffix)) renameSync(options.file + suffix, setAside + suffix);
    }
    return { db: open(options), setAside, created: true };
  }
}

function open({ file, exclusive }: DatabaseOptions): Database.Database {
  const db = new Database(file);
  try {
    if (exclusive) db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('journal_mode = WAL');
    // FULL: a commit is on the disk before it is acknowledged; NORMAL could lose the last ones with the power.
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('busy_timeout = 5000');
    const check = db.pragma('quick_check(1)', { simple: true });
    if (check !== 'ok') throw new DamagedDatabase(`${file}: ${String(check)}`);
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

class DamagedDatabase extends Error {}

function isDamage(error: unknown): boolean {
  if (error instanceof DamagedDatabase) return true;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
}
