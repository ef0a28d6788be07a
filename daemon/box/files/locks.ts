// Which devices are held. The flock alone decides. Looking must not disturb: a lock that we take for an instant, to see
// whether it is free, would turn away a supervisor that wants it in that instant. So the kernel's table is read where it
// can be trusted, which is seen from a lock that is known to be held; in some containers the table leaves locks out.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type BigIntStats, closeSync, constants, openSync, read, readSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { isLockHeld } from '../../supervisor/lock.ts';

const { O_RDONLY, O_NOFOLLOW } = constants;

export class LockTable {
  /** True once a held lock has been found in the table. */
  #tellsAll = false;

  /**
   * The first reading for a while waits in the kernel, until all processors have taken note (6 to 16 ms on two); those
   * that follow within some 20 ms don't. Who has something else to do first has this begin meanwhile.
   */
  warm(): void {
    // Whoever reads next is told what is wrong.
    readTable().catch(() => undefined);
  }

  /** A file whose lock we are known to hold, taken by a process that has exited: those are the ones that get left out. */
  async calibrate(heldPath: string): Promise<void> {
    this.#tellsAll ||= (await this.#listed([heldPath])).has(heldPath);
  }

  /** Those of the paths whose lock somebody holds. A missing file is held by nobody. */
  async held(paths: readonly string[]): Promise<Set<string>> {
    const listed = await this.#listed(paths);
    if (this.#tellsAll) return listed;
    const rest = paths.filter((path) => !listed.has(path));
    const answers = await Promise.all(rest.map((path) => isLockHeld(path)));
    return new Set([...listed, ...rest.filter((_, index) => answers[index])]);
  }

  async #listed(paths: readonly string[]): Promise<Set<string>> {
    const numbers = new Set<string>();
    for (const [, major, minor, inode] of (await readTable()).matchAll(LOCK)) {
      numbers.add(`${Number.parseInt(major ?? '', 16)}:${Number.parseInt(minor ?? '', 16)}:${inode}`);
    }
    return new Set(paths.filter((path) => numbers.has(numberOf(path))));
  }
}

const readChunk = promisify(read);
const CHUNK_BYTES = 64 * 1024;

/** Only the first part of it is waited for; nothing else is held up meanwhile. */
async function readTable(): Promise<string> {
  const fd = openSync('/proc/locks', O_RDONLY);
  try {
    const parts: Buffer[] = [];
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let { bytesRead } = await readChunk(fd, chunk, 0, CHUNK_BYTES, null);
    while (bytesRead > 0) {
      parts.push(Buffer.from(chunk.subarray(0, bytesRead)));
      bytesRead = readSync(fd, chunk, 0, CHUNK_BYTES, null);
    }
    return Buffer.concat(parts).toString('utf8');
  } finally {
    closeSync(fd);
  }
}

/** `5: FLOCK  ADVISORY  WRITE 24233 fe:00:2162672 0 EOF`; waiters have an arrow before FLOCK. */
const LOCK = /^\d+: FLOCK\s+ADVISORY\s+WRITE\s+-?\d+\s+([0-9a-f]+):([0-9a-f]+):(\d+) /gm;

function numberOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? 'missing' : deviceNumber(stat);
}

/** glibc's packing of major and minor. */
function deviceNumber({ dev, ino }: BigIntStats): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return `${major}:${minor}:${ino}`;
}

/** Holds the exclusive lock until closed; undefined when it isn't to be had in that time. Throws when there is no file. */
export async function takeLock(path: string, waitMs: number): Promise<{ release(): void } | undefined> {
  const fd = openSync(path, O_RDONLY | O_NOFOLLOW);
  try {
    const wait = waitMs === 0 ? ['--nonblock'] : ['--wait', String(waitMs / 1000)];
    // The lock belongs to the open file, which is ours: it stays when flock exits.
    const child: ChildProcess = spawn('flock', ['--exclusive', ...wait, '3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code === 0) return { release: releaseOnce(fd) };
    if (code !== 1) throw new Error(`flock on ${path} ended with ${code}`);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return undefined;
}

/** The number may be another file's after the first time. */
function releaseOnce(fd: number): () => void {
  let held = true;
  return () => {
    if (held) closeSync(fd);
    held = false;
  };
}

/** The pids that the kernel names for the lock of a file, living or not. */
export async function lockTakers(path: string): Promise<number[]> {
  const wanted = numberOf(path);
  const lines = (await readTable()).matchAll(
    /^\d+: FLOCK\s+ADVISORY\s+\w+\s+(\d+)\s+([0-9a-f]+):([0-9a-f]+):(\d+) /gm,
  );
  return [...lines].flatMap(([, pid, major, minor, inode]) => {
    const number = `${Number.parseInt(major ?? '', 16)}:${Number.parseInt(minor ?? '', 16)}:${inode}`;
    return number === wanted ? [Number(pid)] : [];
  });
}
