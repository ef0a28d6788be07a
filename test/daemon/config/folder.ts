// A temporary folder with the given files in it, removed at the end of the test that made it.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Folder extends AsyncDisposable {
  path: string;
  write(path: string, text: string, mode?: number): Promise<void>;
}

export async function makeFolder(files: Record<string, string> = {}, name = 'project'): Promise<Folder> {
  const outer = await mkdtemp(join(tmpdir(), 'qwex-config-'));
  const path = join(outer, name);
  await mkdir(path);
  const write = async (file: string, text: string, mode = 0o644): Promise<void> => {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), text, { mode });
  };
  for (const [file, text] of Object.entries(files)) await write(file, text);
  return { path, write, [Symbol.asyncDispose]: () => rm(outer, { recursive: true }) };
}

/** The message of the error that `action` throws; fails when it throws none. */
export async function messageFrom(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (error instanceof Error) return error.message;
    throw error;
  }
  throw new Error('it threw nothing');
}
