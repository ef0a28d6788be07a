// Where qwex keeps its things: room, a quota, who may look in, and on what kind of file system.
import { access, constants, lstat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { isErrno, messageOf } from '../../../shared/errors.ts';
import { type HomePaths, isNetworkDirectory } from '../../../shared/paths.ts';
import type { Check } from '../../../shared/schemas/local.ts';
import { fault, named, ok, warning } from './check.ts';

const LOW_SPACE_BYTES = 1024 ** 3;
const LOW_INODES = 10_000;
/** The server of a quota may be gone. */
const PATIENCE_MS = 5000;

export function homeChecks(paths: HomePaths): Promise<Check>[] {
  const folders = new Set([paths.home, paths.runs, paths.spaces, paths.local]);
  return [...[...folders].map(room), quota(), privacy(paths), location(paths)];
}

async function room(folder: string): Promise<Check> {
  const name = `room in ${folder}`;
  try {
    const { bavail, bsize, ffree, files } = await statfs(folder);
    const free = bavail * bsize;
    const text = `${(free / 1024 ** 3).toFixed(1)} GB free`;
    if (files > 0 && ffree < LOW_INODES) return warning(name, `only ${ffree} inodes left`, 'qwex gc');
    if (free >= LOW_SPACE_BYTES) return ok(name, text);
    return warning(name, text, 'qwex gc, or move the folders: qwex config set runs /big/disk/runs');
  } catch (error) {
    return warning(name, messageOf(error), 'it is made when it is first needed');
  }
}

/** `quota -q` speaks only of file systems where the limit has been passed. Not every machine has it. */
async function quota(): Promise<Check> {
  const name = 'quota';
  const asked = await execa('quota', ['-q'], { timeout: PATIENCE_MS, stdin: 'ignore', reject: false });
  const said = asked.stdout.trim();
  if (said === '') return ok(name, 'nothing says that one is used up');
  return warning(name, said.replaceAll(/\s+/g, ' '), 'make room (qwex gc), or ask for more');
}

/** Everything that may hold a secret, or through which somebody could pose as the owner. */
async function privacy(paths: HomePaths): Promise<Check> {
  const name = 'privacy';
  const open: string[] = [];
  for (const path of await privatePaths(paths)) {
    const found = await lstatOrNull(path);
    if (found === null || found.isSymbolicLink()) continue;
    const isPrivate = (found.mode & 0o077) === 0 && found.uid === process.getuid?.();
    if (!isPrivate) open.push(path);
  }
  if (open.length === 0) return ok(name, `${paths.home} is yours alone`);
  return fault(
    name,
    `open to others, or not yours: ${named(open)}`,
    `chmod go= ${open.map((path) => `'${path.replaceAll("'", "'\\''")}'`).join(' ')}`,
  );
}

async function privatePaths(paths: HomePaths): Promise<string[]> {
  const { database, log } = paths;
  const files = [database, `${database}-wal`, `${database}-shm`, log, paths.apiKey, paths.socket];
  const folders = [paths.home, paths.local, dirname(database), paths.environments, paths.ended, paths.spaces];
  return [...new Set([...folders, ...files, join(paths.home, 'cli-error.log')])];
}

async function lstatOrNull(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

async function location(paths: HomePaths): Promise<Check> {
  const name = 'home';
  try {
    await access(paths.home, constants.W_OK);
  } catch (error) {
    return fault(name, messageOf(error), 'make it writable, or set QWEX_HOME to another folder');
  }
  const reasons = {
    network_home: `${paths.home} is on a network file system: socket, locks and fifos are in ${paths.local}, the database in ${paths.database}`,
    long_path: `the path of ${paths.home} is too long for a socket, which is in ${paths.local}`,
  };
  if (paths.localReason !== null) return ok(name, reasons[paths.localReason]);
  const away = [paths.runs, paths.spaces].filter((folder) => isNetworkDirectory(folder));
  return ok(
    name,
    away.length === 0 ? paths.home : `${paths.home}; on a network file system: ${away.join(', ')}`,
  );
}
