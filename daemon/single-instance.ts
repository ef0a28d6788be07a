// One daemon a home. The kernel's lock decides, not a pid file: it is free when its holder is dead, whatever
// killed it, and a supervisor tries it to know whether anyone is there.
import { spawn } from 'node:child_process';
import { fstatSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { kernelBootId, readIdentity } from './supervisor/index.ts';

/** Held until it is closed. */
export class DaemonLock {
  readonly #file: string;
  readonly #handle: FileHandle;

  constructor(file: string, handle: FileHandle) {
    this.#file = file;
    this.#handle = handle;
  }

  /** Whether others would find it: not when the home was removed, even if there is another at its place. */
  isInPlace(): boolean {
    const [own, there] = [fstatSync(this.#handle.fd), statSync(this.#file, { throwIfNoEntry: false })];
    return there !== undefined && there.ino === own.ino && there.dev === own.dev;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** The daemon's lock; undefined when another daemon has it. */
export async function takeDaemonLock(file: string): Promise<DaemonLock | undefined> {
  const handle = await open(file, 'a', 0o600);
  const code = await new Promise<number | null>((resolve, reject) => {
    // The lock belongs to the open file, which is ours: it stays when flock exits.
    const child = spawn('flock', ['--exclusive', '--wait', '0.2', '3'], {
      stdio: ['ignore', 'ignore', 'ignore', handle.fd],
    });
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code === 0) {
    // By this a supervisor knows, without another process, whether a daemon lives.
    const own = await readIdentity(process.pid);
    await handle.truncate(0);
    if (own) await handle.write(`${own.pid} ${own.startTime} ${await kernelBootId()}\n`);
    return new DaemonLock(file, handle);
  }
  await handle.close();
  return undefined;
}
