// The folder for socket, locks and fifos when the home can't carry them. It lies below /tmp, where anybody may have
// made one of its name before us: who owns it could pose as the daemon and be sent every submitter's environment.
// Daemon and client both make sure before they use it.
import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { isErrno, QwexError } from './errors.ts';
import type { HomePaths } from './paths.ts';

/** Makes `paths.local`. Throws `forbidden` when it, or the folder that it is in, isn't ours alone. */
export function ensureLocalFolder(paths: Pick<HomePaths, 'local' | 'localReason'>): void {
  if (paths.localReason === null) {
    mkdirSync(paths.local, { recursive: true, mode: 0o700 });
    return;
  }
  // One after the other: once the outer one is ours, nobody else can put anything into it.
  for (const folder of [dirname(paths.local), paths.local]) {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
    }
    assertPrivateFolder(folder);
  }
}

/** Throws `forbidden` unless a path is a folder itself (no symlink), ours, and closed to everybody else. */
export function assertPrivateFolder(folder: string, uid = process.getuid?.() ?? 0): void {
  const stat = lstatSync(folder);
  const fault = faultOf(stat, uid);
  if (fault === null) return;
  throw new QwexError({
    code: 'forbidden',
    message: `${folder} ${fault}, so nothing in it can be trusted`,
    hint: 'remove it, or have it removed; or set QWEX_HOME to a short path on a local disk',
  });
}

function faultOf(stat: Stats, uid: number): string | null {
  if (!stat.isDirectory()) return 'is not a folder';
  if (stat.uid !== uid) return `belongs to another user (uid ${stat.uid})`;
  if ((stat.mode & 0o077) !== 0) return `is open to others (mode ${(stat.mode & 0o777).toString(8)})`;
  return null;
}
