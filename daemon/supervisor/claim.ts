// Takes an attempt away from any supervisor, by the same file that a supervisor would need.

import { mkdir, open } from 'node:fs/promises';
import { isErrno } from '../../shared/errors.ts';
import { claimPath } from './places.ts';
import { syncFolder } from './sync.ts';

/** True when this attempt can't start any more; false when a supervisor has it, or somebody prevented it before. */
export async function preventStart({
  runDir,
  attempt,
}: {
  runDir: string;
  attempt: number;
}): Promise<boolean> {
  await mkdir(runDir, { recursive: true, mode: 0o700 });
  try {
    const claim = await open(claimPath(runDir, attempt), 'wx', 0o600);
    try {
      await claim.writeFile('prevented\n');
      await claim.sync();
    } finally {
      await claim.close();
    }
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
  await syncFolder(runDir);
  return true;
}
