// Waits until somebody listens on a socket path, woken by the folder's changes instead of asking again and again.
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, dirname } from 'node:path';
import { watchOrLook } from '../watch-or-look.ts';

/** True when a connection is accepted right now. */
export function isListening(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Resolves when a daemon listens, or at once when the signal aborts. */
export async function waitForSocket(socketPath: string, signal?: AbortSignal): Promise<void> {
  await mkdir(dirname(socketPath), { recursive: true, mode: 0o700 });
  await new Promise<void>((resolve) => {
    const watcher = watchOrLook(dirname(socketPath), {
      onHint: (name) => {
        if (name === null || name === basename(socketPath)) void probe();
      },
    });
    const done = () => {
      watcher.close();
      resolve();
    };
    const probe = async () => {
      if (await isListening(socketPath)) done();
    };
    signal?.addEventListener('abort', done, { once: true });
    if (signal?.aborted) done();
    else void probe();
  });
}
