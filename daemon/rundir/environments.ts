// Submitters' environments: files of NUL-separated NAME=value below env/, 0600, outside the run folders because an
// archive of a run would leak them. A file is named by its content, so a thousand runs of one shell share one.
import { rmSync } from 'node:fs';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { v4 as uuidv4 } from 'uuid';
import { isErrno } from '../../shared/errors.ts';
import { sha256 } from '../../shared/recipe.ts';

export class Environments {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Keeps an environment, on the disk when this returns. Resolves to its name. */
  async save(environment: Readonly<Record<string, string>>): Promise<string> {
    const content = Object.entries(environment)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}=${value}\0`)
      .join('');
    const name = sha256(content);
    const file = this.path(name);
    if (await exists(file)) return name;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const temporary = `${file}.${uuidv4()}`;
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    return name;
  }

  /** Throws ENOENT when it is gone. */
  async load(name: string): Promise<Record<string, string>> {
    const entries = (await readFile(this.path(name), 'utf8')).split('\0').filter((entry) => entry !== '');
    return Object.fromEntries(
      entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    );
  }

  path(name: string): string {
    return join(this.#directory, name);
  }

  /** In one go with the check that nobody needs it: an await between the two would let a submit in. */
  removeSync(name: string): void {
    rmSync(this.path(name), { force: true });
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
