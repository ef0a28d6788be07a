// Reads a piece of a log by byte offset. Logs are bytes: nothing here decodes, and a read is never larger
// than it was asked to be.

import * as fs from 'node:fs/promises';
import { isErrno } from '../../shared/errors.ts';

const NEWLINE = 0x0a;
const BACKWARD_BYTES = 64 * 1024;

export interface ReadLogOptions {
  /** First byte; default 0. Beyond the end: nothing, at the end. Not used with `tailLines`. */
  offset?: number;
  limitBytes: number;
  /** The last lines instead, a last one without a newline counted; of more than `limitBytes`, the last bytes. */
  tailLines?: number;
}

export interface LogPiece {
  data: Buffer;
  /** Of the first byte of `data`. */
  offset: number;
  /** Where to go on. */
  nextOffset: number;
  /** Of the whole log when it was read. */
  sizeBytes: number;
}

/** A log that isn't there yet is empty. */
export async function readLog(file: string, options: ReadLogOptions): Promise<LogPiece> {
  let handle: fs.FileHandle;
  try {
    handle = await fs.open(file, 'r');
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    return { data: Buffer.alloc(0), offset: 0, nextOffset: 0, sizeBytes: 0 };
  }
  try {
    return await readOpened(handle, options);
  } finally {
    await handle.close();
  }
}

async function readOpened(handle: fs.FileHandle, options: ReadLogOptions): Promise<LogPiece> {
  const { offset = 0, limitBytes, tailLines } = options;
  const { size } = await handle.stat();
  const floor = Math.max(0, size - limitBytes);
  const start =
    tailLines === undefined
      ? Math.min(offset, size)
      : await startOfLastLines(handle, { size, floor, lines: tailLines });
  const data = await readFully(handle, start, Math.min(limitBytes, size - start));
  return { data, offset: start, nextOffset: start + data.length, sizeBytes: size };
}

/** Offset of the first of the last `lines`, looking back no further than `floor`. */
async function startOfLastLines(
  handle: fs.FileHandle,
  { size, floor, lines }: { size: number; floor: number; lines: number },
): Promise<number> {
  if (lines <= 0) return size;
  let wanted = lines;
  for (let end = size; end > floor; ) {
    const start = Math.max(floor, end - BACKWARD_BYTES);
    const chunk = await readFully(handle, start, end - start);
    // The newline at the very end closes the last line; it doesn't open an empty one.
    let from = end === size && chunk.at(-1) === NEWLINE ? chunk.length - 2 : chunk.length - 1;
    while (from >= 0) {
      const at = chunk.lastIndexOf(NEWLINE, from);
      if (at === -1) break;
      if (--wanted === 0) return start + at + 1;
      from = at - 1;
    }
    end = start;
  }
  return floor;
}

/** `length` bytes from `position`, fewer only if the file has become shorter. */
async function readFully(handle: fs.FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
