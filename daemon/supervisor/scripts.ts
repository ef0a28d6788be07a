// Finds the shell scripts that are shipped beside this code, and gives each run a copy of its own: bash reads a script as
// it runs it, and an upgrade must not pull it away.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { supervisorPath } from './places.ts';

/** Where a shipped script is, run from the sources or from the bundle in `dist/`. */
export function scriptPath(name: string): string {
  return join(shippedFolder(), name);
}

let script: string | undefined;

/**
 * The whole supervisor as one bash script that needs no other file. Read once: when the installation is upgraded under
 * a daemon, that daemon's runs keep the supervisor that it was made for.
 */
export function supervisorScript(): string {
  script ??= ['job.sh', 'ending.sh', 'supervise.sh']
    .map((name) => readFileSync(scriptPath(name), 'utf8'))
    .join('\n');
  return script;
}

/** Puts the supervisor into the run's folder and returns its path. Safe while an older copy of it runs. */
export function copySupervisor(runDir: string): string {
  const path = supervisorPath(runDir);
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, supervisorScript(), { mode: 0o700 });
  renameSync(fresh, path);
  return path;
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
