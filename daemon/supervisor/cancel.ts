// The wish to end a run. Written down before anybody is told, so that it holds whoever dies in between.

import { open } from 'node:fs/promises';
import { isErrno } from '../../shared/errors.ts';
import { isAlive, parseIdentity } from './identity.ts';
import { cancelPath, readClaims } from './places.ts';
import { syncFolder } from './sync.ts';

/**
 * Leaves the durable wish and tells a living supervisor. One that isn't there yet reads the wish before it lets the script
 * go. Safe to repeat; recovery does. An orphan needs to be adopted for it to take effect.
 */
export async function requestCancel({ runDir }: { runDir: string }): Promise<void> {
  const wish = await open(cancelPath(runDir), 'a', 0o600);
  try {
    await wish.sync();
  } finally {
    await wish.close();
  }
  await syncFolder(runDir);
  // After the file: who claims later than this sees the wish, who claimed before is seen here.
  for (const claim of await readClaims(runDir)) await tell(claim);
}

async function tell(claim: string): Promise<void> {
  const supervisor = parseIdentity(claim);
  if (supervisor === undefined || !(await isAlive(supervisor))) return;
  try {
    process.kill(supervisor.pid, 'SIGTERM');
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error; // it ended just now
  }
}
