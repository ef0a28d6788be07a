// Shows the daemon's log file, also when no daemon serves. The file is JSON lines, and is turned over when it is
// large.
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { homeFrom, homePaths } from '../../shared/paths.ts';
import { watchOrLook } from '../../shared/watch-or-look.ts';
import type { Context } from '../context.ts';
import { formatLogLine } from '../view/log-line.ts';

export interface LogFlags {
  follow?: boolean;
  number: number;
  json?: boolean;
}

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 10;

export async function showLog(
  context: Context,
  { follow = false, number, json = false }: LogFlags,
): Promise<void> {
  const { log } = homePaths(homeFrom(context.env));
  const { terminal } = context;
  const show = (line: string) => terminal.print(json ? line : formatLogLine(line, terminal.style));
  const file = await openLog(log);
  const place: Place = { log, file, at: await startOfLastLines(file, number), reader: new LineReader(show) };
  try {
    await readOn(place);
    if (follow) await followLog(context, place);
  } finally {
    await place.file.close();
  }
}

/** How far the log has been read. */
interface Place {
  readonly log: string;
  file: FileHandle;
  at: number;
  readonly reader: LineReader;
}

/** Reads on at each change until the user interrupts. */
async function followLog(context: Context, place: Place): Promise<void> {
  const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<void>();
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  const ignore = context.onInterrupt(interrupt);
  let reading = Promise.resolve();
  const wake = () => {
    reading = reading.then(() => readOn(place)).catch(fail);
  };
  // The folder, not the file: a log that was turned over is another file of the same name.
  const watcher = watchOrLook(dirname(place.log), {
    onHint: (name) => {
      if (name === null || name === basename(place.log)) wake();
    },
    onError: fail,
  });
  wake();
  try {
    await Promise.race([interrupted, failed]);
    await reading;
  } finally {
    watcher.close();
    ignore();
  }
}

/** To the end of the file that is open, and then of the one that has taken its name. */
async function readOn(place: Place): Promise<void> {
  place.at = await place.reader.readFrom(place.file, place.at);
  const next = await openIfThere(place.log);
  // Between the two steps of turning over there is none; its coming wakes us.
  if (next === null) return;
  const [{ ino: before }, { ino: now }] = await Promise.all([place.file.stat(), next.stat()]);
  const [unused, used] = before === now ? [next, place.file] : [place.file, next];
  await unused.close();
  if (used === place.file) return;
  place.file = used;
  place.at = await place.reader.readFrom(used, 0);
}

async function openLog(path: string): Promise<FileHandle> {
  const file = await openIfThere(path);
  if (file !== null) return file;
  throw new QwexError({
    code: 'not_found',
    message: `there is no log at ${path}: no daemon has served this home yet`,
    hint: 'qwex daemon start',
  });
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Offset of the first of the last `count` lines, read backwards. */
async function startOfLastLines(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat();
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let missing = count + 1;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    for (let index = bytesRead - 1; index >= 0; index--) {
      if (buffer[index] === NEWLINE) missing -= 1;
      if (missing === 0) return start + index + 1;
    }
    end = start;
  }
  return 0;
}

/** Whole lines out of a growing file; the last, half-written one is kept for the next read. */
class LineReader {
  readonly #show: (line: string) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(show: (line: string) => void) {
    this.#show = show;
  }

  /** Reads to the end of the file; answers the offset that it got to. */
  async readFrom(file: FileHandle, from: number): Promise<number> {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (let at = from; ; ) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return at;
      at += bytesRead;
      this.#take(Buffer.concat([this.#rest, buffer.subarray(0, bytesRead)]));
    }
  }

  #take(bytes: Buffer): void {
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, from)) {
      this.#show(bytes.toString('utf8', from, end));
      from = end + 1;
    }
    this.#rest = bytes.subarray(from);
  }
}
