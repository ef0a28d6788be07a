// Which box a daemon takes part in: the machine's, or, where there is none, one of its own with the same files.
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { readBoxFile } from './config.ts';
import { findDevices } from './devices/index.ts';
import type { ProgramOptions } from './devices/program.ts';
import { boxPlaces } from './files/places.ts';
import { addMissingLocks, deviceEntries, initBox } from './init.ts';

export const DEFAULT_BOX = '/var/lib/qwex';
const DEFAULT_TIME_MS = 24 * 3_600_000;

/**
 * `QWEX_BOX`, else the user's setting, else the usual place. One that was asked for and isn't there is an error later,
 * so that nobody works beside their lab by a slip of the pen; without any, undefined.
 */
export function sharedBoxRoot(env: NodeJS.ProcessEnv, configured: string | undefined): string | undefined {
  const asked = env.QWEX_BOX || configured;
  if (asked !== undefined) return asked;
  return existsSync(boxPlaces(DEFAULT_BOX).boxFile) ? DEFAULT_BOX : undefined;
}

/**
 * The private box below a folder on a local disk, with the devices that the machine has now. Keeps what the user has
 * changed in its policy.
 */
export async function preparePrivateBox(localFolder: string, programs: ProgramOptions = {}): Promise<string> {
  const root = join(localFolder, 'box');
  const { boxFile } = boxPlaces(root);
  if (!existsSync(boxFile)) {
    // Half made, by one that died.
    await rm(root, { recursive: true, force: true });
    await mkdir(root, { recursive: true, mode: 0o700 });
    const { source, devices } = await findDevices(programs);
    await initBox({ path: root, source, devices, defaultTimeMs: DEFAULT_TIME_MS });
    // Its files have the modes of a shared one.
    await chmod(root, 0o700);
    return root;
  }
  const file = await readBoxFile(boxFile);
  if (file.source === 'fake') return root;
  const { source, devices } = await findDevices(programs);
  const listed = JSON.stringify(file.devices.map(({ id, uuid }) => [id, uuid ?? null]));
  if (devices.length > 0 && listed !== JSON.stringify(devices.map(({ id, uuid }) => [id, uuid]))) {
    await addMissingLocks(root, devices);
    const document = parseDocument(await readFile(boxFile, 'utf8'));
    document.set('source', source);
    document.set('devices', document.createNode(deviceEntries(devices)));
    await writeAtomically(boxFile, document.toString(), { mode: 0o644, sync: true });
  }
  return root;
}
