// Makes the folder of a run whole again that the index knows and the folder doesn't tell. What was in the way gets a
// name beside it, `<name>.damaged-<ms>`; nothing is overwritten.
import { existsSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../shared/errors.ts';
import type { RunRecord } from '../store/record.ts';
import type { Store } from '../store/store.ts';
import type { RunFolders } from './run-folders.ts';

/** Of each of these runs. Afterwards their folders can be read back. */
export async function mendFolders(
  runs: readonly RunRecord[],
  { store, folders, nowMs }: { store: Store; folders: RunFolders; nowMs: number },
): Promise<void> {
  for (const run of runs) {
    const job = store.mustGetScript(run.jobId);
    const directory = folders.directory(run);
    const whole = { 'script.sh': job.script, 'sources.json': job.sources, 'run.json': null };
    for (const [name, content] of Object.entries(whole))
      await setAside(join(directory, name), { unless: content, suffix: `.damaged-${nowMs}` });
    await folders.create(run, job);
    await folders.writeRecord(run, store.runs.dependencies(run.id));
  }
}

async function setAside(
  file: string,
  { unless, suffix }: { unless: string | null; suffix: string },
): Promise<void> {
  try {
    if (unless !== null && (await readFile(file, 'utf8')) === unless) return;
    if (!existsSync(file + suffix)) await rename(file, file + suffix);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
  }
}
