// Reading what anyone may have put into a folder that all can write to. A fifo must not block us, a link must not lead
// us away, a large file must not fill our memory; and whose it is comes from the kernel.
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
} from 'node:fs';
import { isErrno } from '../../../shared/errors.ts';
import { isSystemError } from '../system-error.ts';

export const MAX_FILE_BYTES = 64 * 1024;
/**
 * The kernel's clock for files ticks every few milliseconds: two writes in one tick leave the same times. What has
 * changed so recently may change again unseen, and is read again at the next look.
 */
const TICK_MS = 50;

export interface ForeignFile {
  path: string;
  name: string;
  uid: number;
  text: string;
  /** When the file came into being; its owner can't make that earlier. */
  birthMs: number;
  modifiedMs: number;
}

/** A file that can't be taken for what it should be, and why, for `doctor`. */
export interface Ignored {
  path: string;
  uid: number | null;
  why: string;
}

export type ForeignRead = { ok: true; file: ForeignFile } | { ok: false; ignored: Ignored };

/** Undefined when there is nothing of that name. */
export function readForeign(path: string): ForeignRead | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    const why = isErrno(error, 'ELOOP')
      ? 'it is a symbolic link'
      : `it can't be opened (${isSystemError(error) ? error.code : error})`;
    return { ok: false, ignored: { path, uid: ownerOf(path), why } };
  }
  try {
    const stat = fstatSync(fd, { bigint: true });
    const fault = faultOf(stat);
    if (fault !== null) return { ok: false, ignored: { path, uid: Number(stat.uid), why: fault } };
    return { ok: true, file: describe(path, stat, readUpTo(fd, Number(stat.size))) };
  } finally {
    closeSync(fd);
  }
}

/**
 * A folder's files. What has not changed since the last look is not read again: with a thousand tickets that would be
 * most of the cost of a decision. Only the kernel sets a change time, so nobody can make another content look the same;
 * and a file that was replaced is another inode.
 */
export class ForeignFolder<Content> {
  readonly #folder: string;
  readonly #suffix: string;
  readonly #parse: (file: ForeignFile) => Content | string;
  readonly #seen = new Map<string, Seen<Content>>();

  /** `parse` gives the content, or in words why it isn't any. Names that start with a dot are being written. */
  constructor(folder: string, suffix: string, parse: (file: ForeignFile) => Content | string) {
    this.#folder = folder;
    this.#suffix = suffix;
    this.#parse = parse;
  }

  read(): { entries: Entry<Content>[]; ignored: Ignored[] } {
    const nowMs = Date.now();
    const names = readdirSync(this.#folder).filter(
      (name) => name.endsWith(this.#suffix) && !name.startsWith('.'),
    );
    const present = new Set(names);
    for (const name of this.#seen.keys()) if (!present.has(name)) this.#seen.delete(name);
    const entries: Entry<Content>[] = [];
    const ignored: Ignored[] = [];
    for (const name of names.sort()) {
      const entry = this.#look(name, nowMs);
      if (entry === undefined) continue;
      if (entry.ok) entries.push(entry.entry);
      else ignored.push(entry.ignored);
    }
    return { entries, ignored };
  }

  #look(name: string, nowMs: number): Parsed<Content> | undefined {
    const path = `${this.#folder}/${name}`;
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const seen = this.#seen.get(name);
    if (seen !== undefined && isSame(seen.stat, stat)) return seen.entry;
    const read = readForeign(path);
    if (read === undefined) return undefined;
    const entry = read.ok ? this.#parsed(read.file) : read;
    if (nowMs - Number(stat.ctimeMs) > TICK_MS) this.#seen.set(name, { stat, entry });
    else this.#seen.delete(name);
    return entry;
  }

  #parsed(file: ForeignFile): Parsed<Content> {
    const content = this.#parse(file);
    if (typeof content === 'string')
      return { ok: false, ignored: { path: file.path, uid: file.uid, why: content } };
    return { ok: true, entry: { file, content } };
  }
}

export interface Entry<Content> {
  file: ForeignFile;
  content: Content;
}

type Parsed<Content> = { ok: true; entry: Entry<Content> } | { ok: false; ignored: Ignored };

interface Seen<Content> {
  stat: BigIntStats;
  entry: Parsed<Content>;
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return (
    a.ctimeNs === b.ctimeNs &&
    a.ino === b.ino &&
    a.dev === b.dev &&
    a.size === b.size &&
    a.mtimeNs === b.mtimeNs &&
    a.uid === b.uid
  );
}

function faultOf(stat: BigIntStats): string | null {
  if (!stat.isFile()) return 'it is not a regular file';
  if (stat.size > MAX_FILE_BYTES) return `it has ${stat.size} bytes; the limit is ${MAX_FILE_BYTES}`;
  return null;
}

function describe(path: string, stat: BigIntStats, text: string): ForeignFile {
  // A file system that knows no birth gives 0, or the last change, which only makes a file younger.
  const birthMs = Number(stat.birthtimeMs > 0n ? stat.birthtimeNs : stat.ctimeNs) / 1e6;
  const name = path.slice(path.lastIndexOf('/') + 1);
  return { path, name, uid: Number(stat.uid), text, birthMs, modifiedMs: Number(stat.mtimeNs) / 1e6 };
}

/** It may grow while we read: the size that was checked is all that is read. */
function readUpTo(fd: number, size: number): string {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < bytes.length) {
    const count = readSync(fd, bytes, length, bytes.length - length, null);
    if (count === 0) break;
    length += count;
  }
  return bytes.toString('utf8', 0, length);
}

function ownerOf(path: string): number | null {
  return lstatSync(path, { throwIfNoEntry: false })?.uid ?? null;
}
