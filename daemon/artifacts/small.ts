// Whether there is so little to keep that starting a thread for it would cost more than the work. Only looks.

import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../shared/errors.ts';

const MOST_ENTRIES = 40;
const MOST_BYTES = 512 * 1024;

/** How much is in a tree: nothing but folders, a few small files, or more than that. */
export async function amountIn(paths: readonly string[]): Promise<'nothing' | 'little' | 'much'> {
  const seen = { entries: 0, files: 0, bytes: 0 };
  const waiting = [...paths];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const stat = await lstat(path).catch((error: unknown) =>
      isErrno(error, 'ENOENT', 'ENOTDIR') ? null : 'unknown',
    );
    if (stat === 'unknown') return 'much';
    seen.entries += 1;
    if (stat?.isDirectory()) {
      const names = await readdir(path, { encoding: 'latin1' }).catch(() => null);
      // A folder that can't be read, or with names that need care, is for the worker.
      if (names === null || names.some((name) => /[^ -~]/.test(name))) return 'much';
      if (seen.entries + waiting.length + names.length > MOST_ENTRIES) return 'much';
      waiting.push(...names.map((name) => join(path, name)));
    } else if (stat !== null) {
      seen.files += 1;
      seen.bytes += stat.isFile() ? stat.size : 0;
    }
    if (seen.entries > MOST_ENTRIES || seen.bytes > MOST_BYTES) return 'much';
  }
  return seen.files === 0 ? 'nothing' : 'little';
}
