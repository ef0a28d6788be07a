// Makes a box. The only thing that may need more rights than a member has, and only for where it lies.
import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, open, readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Document } from 'yaml';
import { writeAtomically } from '../../shared/atomic-write.ts';
import type { BoxDevice, BoxFile } from '../../shared/box.ts';
import { formatDuration } from '../../shared/duration.ts';
import { isErrno, messageOf, QwexError } from '../../shared/errors.ts';
import { parseBoxFile } from './config.ts';
import type { FoundDevice } from './devices/source.ts';
import { boxPlaces } from './files/places.ts';
import { PLAN_VERSION } from './plan/types.ts';

const run = promisify(execFile);

export interface InitBoxOptions {
  path: string;
  /** Members of this group may use the box; without one, everybody on the machine. */
  group?: string | undefined;
  source: BoxFile['source'];
  /** With source `fake`: the absolute path of its file. */
  fake?: string | undefined;
  devices: readonly FoundDevice[];
  defaultTimeMs: number;
  /** Extra keys under `policy`, as in the file. */
  policy?: Record<string, unknown>;
  /** Who may change box.yaml later, when root makes the box for somebody. */
  owner?: number | undefined;
}

/** Throws `conflict` when there is something at the path, `forbidden` without the right to write there. */
export async function initBox(options: InitBoxOptions): Promise<void> {
  const { path, devices } = options;
  const places = boxPlaces(path);
  const text = boxFileText(options);
  parseBoxFile(text, places.boxFile);
  const gid = options.group === undefined ? undefined : await groupId(options.group);
  await makeRoot(path);
  await mkdir(places.locks);
  const locks = [places.arbiterLock, ...devices.map(({ id }) => places.deviceLock(id))];
  for (const lock of locks) await makeLock(lock);
  for (const folder of [places.tickets, places.leases, places.wake, places.usage]) {
    await mkdir(folder);
    if (gid !== undefined) await chown(folder, -1, gid);
    // After chown, which takes the bits away. Sticky: nobody can remove or rename what is another's.
    await chmod(folder, gid === undefined ? 0o1777 : 0o1770);
  }
  await chmod(places.locks, 0o755);
  // Last: a box without its file is none.
  await writeAtomically(places.boxFile, text, { mode: 0o644, sync: true });
  await chmod(places.boxFile, 0o644);
  if (options.owner !== undefined)
    await giveTo(options.owner, [path, places.locks, ...locks, places.boxFile]);
}

/** Brings a box's lock files in step with its list of devices. */
export async function addMissingLocks(path: string, devices: readonly { id: string }[]): Promise<void> {
  const places = boxPlaces(path);
  for (const { id } of devices) await makeLock(places.deviceLock(id));
}

function boxFileText(options: Omit<InitBoxOptions, 'path' | 'group' | 'owner'>): string {
  const { source, fake, devices, defaultTimeMs, policy = {} } = options;
  const document = new Document({
    plan: PLAN_VERSION,
    source,
    ...(fake === undefined ? {} : { fake }),
    default_time: formatDuration(defaultTimeMs),
    devices: deviceEntries(devices),
    policy,
  });
  document.commentBefore = ' A machine and its devices, shared through qwex. See docs/scheduling.md.';
  return document.toString();
}

/** Devices as box.yaml lists them. */
export function deviceEntries(devices: readonly FoundDevice[]): BoxDevice[] {
  return devices.map(({ id, type, uuid, memoryMb }) => ({
    id,
    type,
    ...(uuid === null ? {} : { uuid }),
    memory_mb: memoryMb,
  }));
}

async function makeRoot(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    const found = await readdir(path);
    if (found.length > 0) {
      throw new QwexError({
        code: 'conflict',
        message: `can't make a box in ${path}: it holds ${found.slice(0, 3).join(', ')}`,
        hint: 'choose another place with --path, or remove what is there',
      });
    }
    await chmod(path, 0o755);
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR')) throw error;
    throw new QwexError({
      code: 'forbidden',
      message: `can't make a box in ${path}: ${messageOf(error)}`,
      hint: `with sudo once, or with --path in a folder that is yours and that the others can read`,
      cause: error,
    });
  }
}

/** Readable by all, and that is enough for a lock; writable by nobody. */
async function makeLock(path: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o444);
    await file.chmod(0o444);
    await file.close();
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
}

async function groupId(group: string): Promise<number> {
  try {
    const { stdout } = await run('getent', ['group', '--', group]);
    return Number(stdout.split(':')[2]);
  } catch (error) {
    throw new QwexError({
      code: 'not_found',
      message: `there is no group ${group} on this machine`,
      hint: 'make it with groupadd, or leave --group out',
      cause: error,
    });
  }
}

async function giveTo(uid: number, paths: readonly string[]): Promise<void> {
  for (const path of paths) await chown(path, uid, -1);
}
