// Finds the shell scripts that are shipped beside this code, and gives each run its own copy: bash reads a script while
// it runs it, and an upgrade must not pull it away.

import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scriptsPath } from './places.ts';

const SUPERVISOR_SCRIPTS = ['supervise.sh', 'job.sh', 'ending.sh'];

/** Where a shipped script is, run from the sources or from the bundle in `dist/`. */
export function scriptPath(name: 'supervise.sh' | 'detach.sh'): string {
  return join(shippedFolder(), name);
}

/** Puts the supervisor's scripts into the run's folder and returns the one to run. Safe while an older copy runs. */
export async function copyScripts(runDir: string): Promise<string> {
  const target = scriptsPath(runDir);
  await mkdir(target, { recursive: true, mode: 0o700 });
  const shipped = shippedFolder();
  await Promise.all(SUPERVISOR_SCRIPTS.map((name) => replace(join(shipped, name), join(target, name))));
  return join(target, 'supervise.sh');
}

async function replace(source: string, target: string): Promise<void> {
  const fresh = `${target}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await copyFile(source, fresh);
  await rename(fresh, target);
}

function shippedFolder(): string {
  const folders = ['.', '../daemon/supervisor'].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );
  const found = folders.find((folder) => existsSync(join(folder, 'supervise.sh')));
  if (found === undefined)
    throw new Error(`supervise.sh is missing from this installation: ${folders.join(', ')}`);
  return found;
}
