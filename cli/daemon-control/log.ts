// Shows the daemon's log file, also when no daemon serves. The file is JSON lines; rotation is noticed by its size.
import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { homeFrom, homePaths } from '../../shared/paths.ts';
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
  const file = await openLog(log);
  const show = (line: string) => terminal.print(json ? line : formatLogLine(line, terminal.style));
  let at = await startOfLastLines(file, number);
  const reader = new LineReader(show);
  at = await reader.readFrom(file, at);
  await file.close();
  if (follow) await followLog(context, { log, at, reader });
}

interface Following {
  log: string;
  at: number;
  reader: LineReader;
}

/** Reads on at each change until the user interrupts. */
async function followLog(context: Context, { log, at, reader }: Following): Promise<void> {
  const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<void>();
  const ignore = context.onInterrupt(interrupt);
  let offset = at;
  let reading = Promise.resolve();
  const readOn = async () => {
    const file = await openLog(log);
    try {
      // A rotated log is a new and shorter file.
      if ((await file.stat()).size < offset) offset = 0;
      offset = await reader.readFrom(file, offset);
    } finally {
      await file.close();
    }
  };
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  const watcher: FSWatcher = watch(log, { persistent: true }, () => {
    reading = reading.then(readOn).catch(fail);
  });
  try {
    await Promise.race([interrupted, failed]);
  } finally {
    watcher.close();
    ignore();
  }
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    throw new QwexError({
      code: 'not_found',
      message: `there is no log at ${path}: no daemon has served this home yet`,
      hint: 'qwex daemon start',
    });
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
