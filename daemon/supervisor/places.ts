// Where the supervisor and the daemon leave word for each other. The shell scripts know the same names.

import { constants, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../shared/errors.ts';

export const claimPath = (runDir: string, attempt: number): string => join(runDir, `claim.${attempt}`);
export const adoptedPath = (runDir: string): string => join(runDir, 'adopted');
export const cancelPath = (runDir: string): string => join(runDir, 'cancel');
export const variablesPath = (runDir: string): string => join(runDir, 'variables');
export const supervisorPath = (runDir: string): string => join(runDir, 'supervise.sh');
export const troublePath = (runDir: string): string => join(runDir, 'logs', 'supervisor.log');
export const factPath = (runDir: string, fact: string): string => join(runDir, 'meta', fact);
export const lockPath = (localDir: string): string => join(localDir, 'supervisor.lock');
export const lifePath = (localDir: string): string => join(localDir, 'life');

/** Without waiting: a program may have put a fifo in a file's place. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK;

/** A small text file, or undefined when it isn't there. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    // They are small: each in turns of the event loop would cost several times as much.
    return readFileSync(path, { encoding: 'utf8', flag: READ });
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** The first line of a file, or undefined when it is missing, empty or lacks its newline: then it isn't a fact yet. */
export async function readFact(runDir: string, fact: string): Promise<string | undefined> {
  const text = await readText(factPath(runDir, fact));
  const end = text?.indexOf('\n') ?? -1;
  return text === undefined || end < 0 ? undefined : text.slice(0, end) || undefined;
}

/** A fact that is a time, in ms since the epoch; null when there is none. */
export async function readTime(runDir: string, fact: string): Promise<number | null> {
  const ms = Date.parse((await readFact(runDir, fact)) ?? '');
  return Number.isNaN(ms) ? null : ms;
}

/** What every supervisor of this run said about itself, in no order; claims that only forbid an attempt say nothing. */
export async function readClaims(runDir: string): Promise<string[]> {
  const names = await readdir(runDir).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  });
  const claims = names.filter((name) => name === 'adopted' || /^claim\.\d+$/.test(name));
  const texts = await Promise.all(claims.map((name) => readText(join(runDir, name))));
  return texts.filter((text) => text !== undefined);
}
