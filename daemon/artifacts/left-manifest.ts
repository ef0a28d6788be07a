// left.json: what a run left outside of its watched directories, as long as it is kept.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { isErrno } from '../../shared/errors.ts';
import { leftSchema } from '../../shared/schemas/run.ts';
import type { LeftEntry } from './left.ts';

const FILE = 'left.json';

export async function writeLeft(runDir: string, kept: readonly LeftEntry[]): Promise<void> {
  await writeAtomically(join(runDir, FILE), `${JSON.stringify(kept)}\n`);
}

/** Empty when nothing was left, or it has been deleted since. */
export async function readLeft(runDir: string): Promise<LeftEntry[]> {
  try {
    return z.array(leftSchema).parse(JSON.parse(await readFile(join(runDir, FILE), 'utf8')));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
