// A home that can't carry locks and fifos has them below /tmp, which many systems clear of what nobody has looked at for
// ten days. A run may go on for longer: without its lock it would seem to have lost its supervisor, and end as lost.
import { type Dirent, lutimesSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../shared/errors.ts';
import type { HomePaths } from '../../shared/paths.ts';

/** `runFolders`: of runs that go on. Times of change stay: they mean something in a box. */
export async function keepFresh(
  { local, localReason }: Pick<HomePaths, 'local' | 'localReason'>,
  runFolders: () => readonly string[],
): Promise<void> {
  if (localReason === null) return;
  const entries = await Promise.all([
    entriesOf(local, { recursive: false }),
    entriesOf(join(local, 'box'), { recursive: true }),
    ...runFolders().map((folder) => entriesOf(folder, { recursive: false })),
  ]);
  const now = new Date();
  for (const entry of entries.flat()) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    await unlessGone(async () => lutimesSync(path, now, (await lstat(path)).mtime));
  }
}

async function entriesOf(folder: string, { recursive }: { recursive: boolean }): Promise<Dirent[]> {
  return (await unlessGone(() => readdir(folder, { recursive, withFileTypes: true }))) ?? [];
}

async function unlessGone<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
