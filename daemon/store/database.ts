// Opens the database file: durable commits, one writer. A file that SQLite can't read is set aside, never overwritten.
import { closeSync, existsSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { QwexError } from '../../shared/errors.ts';
import { migrate } from './schema.ts';

const WAL_LIMIT_BYTES = 16 * 1024 * 1024;

export interface OpenedDatabase {
  db: Database.Database;
  /** Where the former file went, which was damaged; the index has to be rebuilt from the run folders. */
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
    return { db: openWhole(options), setAside: null, created: !existed };
  } catch (error) {
    if (error instanceof QwexError || !isDamage(error)) throw error;
    const setAside = `${options.file}.damaged-${options.nowMs}`;
    moveDatabase(options.file, setAside);
    return { db: openWhole(options), setAside, created: true };
  }
}

/**
 * Gives a database another name, byte for byte. The file itself goes last: as long as it is there, the move isn't done
 * and can be done again.
 */
export function moveDatabase(from: string, to: string): void {
  for (const suffix of ['-wal', '-shm', ''])
    if (existsSync(from + suffix)) renameSync(from + suffix, to + suffix);
}

/** Throws on one that is damaged, or of a newer qwex. */
export function openWhole({ file, exclusive }: Omit<DatabaseOptions, 'nowMs'>): Database.Database {
  // Made by us, as SQLite would make it for everybody to read; its -wal and -shm take over its mode.
  closeSync(openSync(file, 'a', 0o600));
  const db = new Database(file);
  try {
    if (exclusive) db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('journal_mode = WAL');
    // FULL: a commit is on the disk before it is acknowledged; NORMAL could lose the last ones with the power.
    db.pragma('synchronous = FULL');
    // KiB of pages kept, of a default of 16,000: the rest is in the kernel's cache all the same.
    db.pragma('cache_size = -2000');
    db.pragma('foreign_keys = ON');
    db.pragma('busy_timeout = 1000');
    // What a burst has made of the log is given back at the next checkpoint that can.
    db.pragma(`journal_size_limit = ${WAL_LIMIT_BYTES}`);
    const check = db.pragma('quick_check(1)', { simple: true });
    if (check !== 'ok') throw new DamagedDatabase(`${file}: ${String(check)}`);
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw worded(error, file);
  }
}

/** A fault that the owner of the machine can do something about, in words; any other as it was. */
export function worded(error: unknown, file: string): unknown {
  if (codeOf(error).startsWith('SQLITE_BUSY')) {
    return new QwexError({
      code: 'conflict',
      message: `the database ${file} is in use by another process`,
      hint: 'end whatever else has it open (a daemon on another host, a database browser), then try again',
      cause: error,
    });
  }
  if (codeOf(error) === 'SQLITE_FULL') {
    return new QwexError({
      code: 'no_space',
      message: `the disk of ${file} is full, so nothing was changed`,
      hint: 'make room (qwex gc), then ask again',
      cause: error,
    });
  }
  // Of a used-up quota SQLite tells no more than of a failing disk.
  if (codeOf(error) === 'SQLITE_IOERR_WRITE') {
    return new QwexError({
      code: 'no_space',
      message: `the database ${file} can not be written, so nothing was changed: a quota is used up, or the disk fails`,
      hint: 'make room (qwex gc), then ask again; if there is room, the system log tells of the disk',
      cause: error,
    });
  }
  return error;
}

class DamagedDatabase extends Error {}

function isDamage(error: unknown): boolean {
  if (error instanceof DamagedDatabase) return true;
  return codeOf(error).startsWith('SQLITE_CORRUPT') || codeOf(error) === 'SQLITE_NOTADB';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
