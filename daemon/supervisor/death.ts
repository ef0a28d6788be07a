// Hears of the end of a supervisor that isn't our child, through the end of file of its fifo. No polling; a process only
// where the fifo can't tell.

import { closeSync, constants, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { isErrno } from '../../shared/errors.ts';
import { awaitFreeLock } from './lock.ts';
import { lifePath, lockPath } from './places.ts';

/** Calls once, when no supervisor of this run is alive any more: a hint to inspect. */
export function watchDeath({ localDir }: { localDir: string }, onDeath: () => void): { close(): void } {
  const fd = openLiving(lifePath(localDir));
  if (fd === undefined) return awaitFreeLock(lockPath(localDir), onDeath);
  const life = new Socket({ fd, readable: true, writable: false });
  let closed = false;
  life.once('close', () => {
    if (!closed) onDeath();
    closed = true;
  });
  life.once('error', () => life.destroy()); // whatever is wrong with the fifo: look at the run
  life.resume().unref();
  return {
    close() {
      closed = true;
      life.destroy();
    },
  };
}

/**
 * The fifo, if somebody holds it open. Without a writer at the time of opening, the kernel would never announce an end of
 * file: a starting supervisor has not opened it yet, an ending one has removed it. The lock tells those apart.
 */
function openLiving(path: string): number | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return hasWriter(fd) ? fd : undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

// Closes what has none. Nobody writes into `life`: a read either would block, or is an end of file.
function hasWriter(fd: number): boolean {
  try {
    readSync(fd, Buffer.alloc(1));
  } catch (error) {
    if (isErrno(error, 'EAGAIN')) return true;
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return false;
}
