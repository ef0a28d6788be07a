// Looks at locks without keeping them. /proc/locks can't tell: in a container it hides locks whose taker has exited.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { isErrno } from '../../shared/errors.ts';

/** True while somebody holds the exclusive lock of this file. A missing file is held by nobody. */
export async function isLockHeld(path: string): Promise<boolean> {
  const fd = openExisting(path);
  if (fd === undefined) return false;
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      probe(fd, ['-n']).once('error', reject).once('exit', resolve);
    });
    if (code !== 0 && code !== 1) throw new Error(`flock on ${path} ended with ${code}`);
    return code === 1;
  } finally {
    closeSync(fd);
  }
}

/** Calls once, when the exclusive lock of this file is free, at once if it is. Waits in a child process, without polling. */
export function awaitFreeLock(path: string, onFree: () => void): { close(): void } {
  let closed = false;
  const fd = openExisting(path);
  if (fd === undefined) {
    queueMicrotask(() => closed || onFree());
    return {
      close() {
        closed = true;
      },
    };
  }
  const child = probe(fd, []);
  closeSync(fd);
  child.unref();
  const end = (): void => {
    if (!closed) onFree();
    closed = true;
  };
  child.once('error', end).once('exit', end);
  return {
    close() {
      closed = true;
      child.kill();
    },
  };
}

// Shared, so that lookers don't keep each other out; the descriptor is inherited, and released when both copies are closed.
function probe(fd: number, options: string[]): ChildProcess {
  return spawn('flock', ['-s', ...options, '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
}

function openExisting(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
