// What is in a folder and holds no data of its own: it is never kept.
import type * as fs from 'node:fs';
import type { SkipReason } from './manifest.ts';

/** Null for a file, a symlink and a folder. */
export function specialKind(stat: fs.Stats): SkipReason | null {
  if (stat.isFile() || stat.isSymbolicLink() || stat.isDirectory()) return null;
  if (stat.isFIFO()) return 'fifo';
  return stat.isSocket() ? 'socket' : 'device';
}
