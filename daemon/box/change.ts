// What whoever makes a box does to its files: makes it with this machine's devices, and takes devices out of use.
import { chown, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import type { BoxDrainResponse, BoxMade, boxChangeSchema } from '../../shared/box.ts';
import { isErrno, messageOf, QwexError } from '../../shared/errors.ts';
import { isNetworkDirectory } from '../../shared/paths.ts';
import { findDevices, type Machine } from './devices/index.ts';
import { setDrained } from './drain.ts';
import { boxPlaces } from './files/places.ts';
import { initBox } from './init.ts';
import { DEFAULT_BOX } from './private.ts';

type Change = z.output<typeof boxChangeSchema>;
type Init = Extract<Change, { change: 'init' }>;

const FAKE_MEMORY_MB = 16_384;

/** Throws QwexErrors: `not_found` (no devices, no box), `conflict` (it is there already), `forbidden`. */
export async function changeBox(change: Change, env: NodeJS.ProcessEnv): Promise<BoxMade | BoxDrainResponse> {
  const path = change.path ?? (env.QWEX_BOX || DEFAULT_BOX);
  if (change.change === 'init') return makeBox(change, path, env).catch((error) => throwWorded(error, path));
  const { device, why } = change;
  try {
    await setDrained(path, device, why);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP')) throw error;
    throw new QwexError({
      code: 'not_found',
      message: `there is no box in ${path}`,
      hint: 'name its folder with --path',
      cause: error,
    });
  }
  return { path, device, drained: why };
}

function throwWorded(error: unknown, path: string): never {
  if (!isErrno(error, 'ENAMETOOLONG', 'ELOOP', 'ENOTDIR')) throw error;
  throw new QwexError({
    code: 'usage',
    message: `can't make a box in ${path}: ${messageOf(error)}`,
    hint: 'name another folder with --path',
    cause: error,
  });
}

async function makeBox(change: Init, path: string, env: NodeJS.ProcessEnv): Promise<BoxMade> {
  const { group, maxDevices, defaultTimeMs } = change;
  const fake = change.fake === null ? undefined : join(path, 'fake.yaml');
  const { source, devices } = await machineOf(change);
  const owner = ownerFrom(env);
  await undoneOnFailure(path, async () => {
    await initBox({
      ...{ path, source, fake, devices, defaultTimeMs, owner },
      group: group ?? undefined,
      ...(maxDevices === null ? {} : { policy: { max_devices: maxDevices } }),
    });
    if (fake !== undefined) {
      await writeFile(fake, fakeText(devices), { flag: 'wx', mode: 0o644 });
      if (owner !== undefined) await chown(fake, owner, -1);
    }
  });
  const { uid } = await stat(path);
  const warnings = await obstacles(path, group);
  return { path, isUsualPlace: path === DEFAULT_BOX, source, devices, group, owner: uid, warnings };
}

async function machineOf({ fake, devices }: Init): Promise<Machine> {
  if (fake !== null) {
    const pretended = Array.from({ length: fake }, (_, index) => ({
      ...{ id: `gpu${index}`, type: 'fake', uuid: `FAKE-gpu${index}`, memoryMb: FAKE_MEMORY_MB },
    }));
    return { source: 'fake', devices: pretended };
  }
  if (devices.length > 0) {
    const declared = devices.map(({ id, type, uuid }) => ({ id, type, uuid: uuid ?? null, memoryMb: 0 }));
    return { source: 'declared', devices: declared };
  }
  const machine = await findDevices();
  if (machine.devices.length > 0) return machine;
  throw new QwexError({
    code: 'not_found',
    message: 'no devices were found: neither nvidia-smi nor rocm-smi tells of any',
    hint: 'name them: qwex box init --device gpu0:a100 --device gpu1:a100; or try it all out with --fake 4',
  });
}

/** JSON is YAML. People may edit it, to see what a box makes of strangers and of use. */
function fakeText(devices: Machine['devices']): string {
  const described = devices.map(({ id, type, uuid, memoryMb }) => ({ id, type, uuid, memory_mb: memoryMb }));
  return `${JSON.stringify({ devices: described }, null, 2)}\n`;
}

/** Under sudo the box is for whoever typed it: they are the ones who will drain devices. */
function ownerFrom(env: NodeJS.ProcessEnv): number | undefined {
  const uid = /^\d+$/.test(env.SUDO_UID ?? '') ? Number(env.SUDO_UID) : 0;
  return process.getuid?.() === 0 && uid !== 0 ? uid : undefined;
}

/** A half-made box would be in the way of the next try. Removes only what wasn't there before. */
async function undoneOnFailure(path: string, make: () => Promise<void>): Promise<void> {
  const before = await entriesOf(path);
  try {
    await make();
  } catch (error) {
    if (before !== undefined && before.length > 0) throw error;
    // Somebody else is making one: what lies there now is theirs.
    if (isErrno(error, 'EEXIST') || (error instanceof QwexError && error.code === 'conflict')) throw error;
    const { locks, tickets, leases, wake, usage, boxFile } = boxPlaces(path);
    for (const made of [boxFile, locks, tickets, leases, wake, usage, join(path, 'fake.yaml')])
      await rm(made, { recursive: true, force: true });
    if (before === undefined) await rm(path, { recursive: true, force: true });
    if (!isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT')) throw error;
    throw new QwexError({
      code: error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 'no_space' : 'forbidden',
      message: `can't make a box in ${path}: ${messageOf(error)}`,
      hint: 'only root, or a member of the group, can give a folder to a group: use sudo',
      cause: error,
    });
  }
}

/** undefined: nothing is there, or nothing that we may look into. */
async function entriesOf(path: string): Promise<string[] | undefined> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    if (isErrno(error, 'ENOTDIR', 'EACCES')) return [path];
    throw error;
  }
}

async function obstacles(path: string, group: string | null): Promise<string[]> {
  const warnings: string[] = [];
  if (isNetworkDirectory(path))
    warnings.push(
      `${path} is on a network file system: a box belongs on a disk of the machine that it is of`,
    );
  const members = group === null ? null : (await stat(boxPlaces(path).tickets)).gid;
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const { mode, gid } = await stat(folder);
    const isOpen = (mode & 0o001) !== 0 || (gid === members && (mode & 0o010) !== 0);
    if (!isOpen) warnings.push(`other members may not pass through ${folder}: chmod o+x ${folder}`);
  }
  return warnings;
}
