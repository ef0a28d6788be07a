// Lifelines: a fifo that somebody holds open as long as they live. Readers get an end of file the instant the last
// writer is gone, however it died: no process and no polling. Nobody ever writes into one.
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { isErrno } from '../../../shared/errors.ts';
import { run } from '../../starter/run.ts';

const { O_RDONLY, O_RDWR, O_NONBLOCK, O_NOFOLLOW } = constants;

/** A fifo of ours that others can read and not hold open for writing. Resolves to its path. */
export async function makeFifo(path: string): Promise<string> {
  const make = () => {
    rmSync(path, { force: true });
    return run('mkfifo', ['--mode=644', '--', path]);
  };
  let { exit, stderr } = await make();
  // Whoever was to start it may have been killed.
  if (exit.code === null) ({ exit, stderr } = await make());
  if (exit.code === 0) return path;
  throw new Error(`mkfifo ${path} ended with ${exit.code ?? exit.signal}: ${stderr.trim()}`);
}

/** Holds it open until closed or dead. Closing again does nothing: the number may be another file's by then. */
export function holdLife(path: string): { close(): void } {
  const fd = openSync(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW);
  let open = true;
  return {
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

/** Calls once, when the last holder is gone. Undefined when nobody holds it now, or there is no such fifo. */
export function watchLife(path: string, onDeath: () => void): { close(): void } | undefined {
  const fd = openFifo(path);
  if (fd === undefined) return undefined;
  if (!hasWriter(fd)) {
    closeSync(fd);
    return undefined;
  }
  const life = new Socket({ fd, readable: true, writable: false });
  let closed = false;
  const end = (): void => {
    if (!closed) onDeath();
    closed = true;
  };
  life.once('close', end).on('error', end);
  life.resume().unref();
  return {
    close() {
      closed = true;
      life.destroy();
    },
  };
}

function openFifo(path: string): number | undefined {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isFIFO() !== true) return undefined;
    const fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (fstatSync(fd).isFIFO()) return fd;
    closeSync(fd);
    return undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ELOOP', 'EACCES')) return undefined;
    throw error;
  }
}

/** Without a writer at the time of opening, the kernel would never announce an end. */
function hasWriter(fd: number): boolean {
  try {
    readSync(fd, Buffer.alloc(1));
    return false;
  } catch (error) {
    if (isErrno(error, 'EAGAIN')) return true;
    throw error;
  }
}
