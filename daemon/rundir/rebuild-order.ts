// The wish of the owner that the index be made anew (`qwex doctor --rebuild`): a file beside the database, so that
// whichever daemon is started next fulfils it, and one that dies over it is followed by one that goes on. The former
// database is given a name of its own; nothing here overwrites or removes one.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { isErrno } from '../../shared/errors.ts';
import type { HomePaths } from '../../shared/paths.ts';
import { moveDatabase } from '../store/database.ts';

type Places = Pick<HomePaths, 'database' | 'rebuildOrder'>;

/** Before the database is opened. Answers where the former one is now; null when there is none, or no such wish. */
export function beginRebuild({ database, rebuildOrder }: Places): string | null {
  const wishedAt = readOrder(rebuildOrder);
  if (wishedAt === undefined) return null;
  const aside = `${database}.replaced-${wishedAt}`;
  // Once that name is taken the new database has been begun, by a daemon that didn't come to the end of it.
  if (!existsSync(aside)) moveDatabase(database, aside);
  return existsSync(aside) ? aside : null;
}

/** When the new index is whole. */
export function endRebuild({ rebuildOrder }: Pick<HomePaths, 'rebuildOrder'>): void {
  rmSync(rebuildOrder, { force: true });
}

/** The time is part of a file's name: anything that isn't one counts as 0. */
function readOrder(file: string): string | undefined {
  try {
    return /^\d{1,16}$/.exec(readFileSync(file, 'utf8').trim())?.[0] ?? '0';
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
