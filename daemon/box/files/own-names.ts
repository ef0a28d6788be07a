// Names for files of ours in a folder that all can write to. The plain name can be guessed, so somebody may have taken it,
// and in a sticky folder only they can give it back: then ours gets a word in its name that nobody can guess.
import { randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readProcess } from '../processes.ts';
import { isRunId } from './places.ts';

/** Is this a name that a file of this run may have? */
export function isRunFile(name: string, run: string, suffix: RegExp): boolean {
  return (
    isRunId(run) &&
    name.startsWith(run) &&
    /^(?:\.[0-9a-f]{16})?$/.test(name.slice(run.length).replace(suffix, ''))
  );
}

/** A temporary name, until the file is whole. Tells whose it is, for whoever tidies up. */
export function temporaryName(name: string): string {
  return `.${name}.${process.pid}.${randomBytes(8).toString('hex')}`;
}

/** `stem` if these are ours or nobody's, else another stem. */
export function freeStem(folder: string, stem: string, suffixes: readonly string[]): string {
  const isTaken = suffixes.some((suffix) => isForeign(join(folder, `${stem}${suffix}`)));
  return isTaken ? `${stem}.${randomBytes(8).toString('hex')}` : stem;
}

/** Removes what processes of ours have left in the middle of writing. */
export function removeTemporaries(folders: readonly string[]): void {
  for (const folder of folders) {
    for (const name of readdirSync(folder)) {
      const pid = /^\..*\.(\d+)\.[0-9a-f]{16}$/.exec(name)?.[1];
      const path = join(folder, name);
      if (pid === undefined || isForeign(path) || readProcess(Number(pid)) !== undefined) continue;
      rmSync(path, { force: true });
    }
  }
}

export function isOurs({ uid }: { uid: number }): boolean {
  return uid === process.getuid?.();
}

export function isForeign(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && !isOurs(stat);
}
