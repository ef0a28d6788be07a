// How much a snapshot would add to the repository. Looks at sizes only, before git reads a byte.

import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { printable } from './wording.ts';

export interface MeasuredFile {
  path: string;
  bytes: number;
}

export interface Measured {
  bytes: number;
  biggest: MeasuredFile[];
}

const AT_ONCE = 64;
const NAMED = 5;

/** The sum of the regular files among `paths` (from `root`), and the biggest of them. Deleted ones count nothing. */
export async function measure(root: string, paths: string[]): Promise<Measured> {
  let bytes = 0;
  let biggest: MeasuredFile[] = [];
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const part = await Promise.all(paths.slice(at, at + AT_ONCE).map((path) => sizeOf(root, path)));
    for (const file of part) bytes += file.bytes;
    biggest = [...biggest, ...part].sort((a, b) => b.bytes - a.bytes).slice(0, NAMED);
  }
  return { bytes, biggest };
}

export function tooLarge(of: { root: string; size: Measured; maxNewBytes: number }): QwexError {
  const { root, size, maxNewBytes } = of;
  const lines = size.biggest
    .filter(({ bytes }) => bytes > 0)
    .map(({ path, bytes }) => `  ${megabytes(bytes)}  ${printable(path)}`);
  return new QwexError({
    code: 'too_large',
    message: [
      `A snapshot of ${root} would add ${megabytes(size.bytes)} to the repository, over the limit of ${megabytes(maxNewBytes)}. The biggest files:`,
      ...lines,
    ].join('\n'),
    hint: 'Add what the run does not need to .gitignore (and link data with --link), or raise the limit.',
    details: { bytes: size.bytes, maxBytes: maxNewBytes, biggest: size.biggest },
  });
}

async function sizeOf(root: string, path: string): Promise<MeasuredFile> {
  try {
    const found = await lstat(join(root, path));
    return { path, bytes: found.isFile() ? found.size : 0 };
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return { path, bytes: 0 };
    throw error;
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
