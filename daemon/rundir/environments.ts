// Submitters' environments: files of NUL-separated NAME=value below env/, 0600, outside the run folders because an
// archive of a run would leak them. A file is named by its content, so a thousand runs of one shell share one.
import { rmSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { v4 as uuidv4 } from 'uuid';
import { stat } from '../../shared/at-once.ts';
import { isErrno } from '../../shared/errors.ts';
import { sha256 } from '../../shared/recipe.ts';

export class Environments {
  readonly #directory: string;
  readonly #isNeeded: (name: string) => boolean;
  /** Names that a submission under way relies on → how many do. */
  readonly #kept = new Map<string, number>();

  /** `isNeeded` tells whether a run that hasn't ended relies on a name. */
  constructor(directory: string, isNeeded: (name: string) => boolean = () => true) {
    this.#directory = directory;
    this.#isNeeded = isNeeded;
  }

  /** Keeps an environment, on the disk when this returns. Resolves to its name. */
  async save(environment: Readonly<Record<string, string>>): Promise<string> {
    const content = contentOf(environment);
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
    await syncFolder(this.#directory);
    return name;
  }

  /**
   * Keeps an environment and does `work` with its name. Until that is done nobody's `removeSync` takes it: between the
   * moment it is kept and the moment a run that needs it is in the store, the last run that shared it may end.
   */
  async whileKept<T>(
    environment: Readonly<Record<string, string>>,
    work: (name: string) => Promise<T> | T,
  ): Promise<T> {
    const name = sha256(contentOf(environment));
    this.#kept.set(name, (this.#kept.get(name) ?? 0) + 1);
    try {
      await this.save(environment);
      return await work(name);
    } finally {
      const others = (this.#kept.get(name) ?? 1) - 1;
      if (others === 0) this.#kept.delete(name);
      else this.#kept.set(name, others);
      // Refused, or answered with runs of an earlier request that have ended.
      if (!this.#isNeeded(name)) this.removeSync(name);
    }
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
    if (!this.#kept.has(name)) rmSync(this.path(name), { force: true });
  }

  /** Removes what a crash left here that no run needs, half-written files among it. Before anything is submitted. */
  async sweep(isUsed: (name: string) => boolean): Promise<void> {
    for (const name of await namesIn(this.#directory)) if (!isUsed(name)) this.removeSync(name);
  }
}

function contentOf(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}\0`)
    .join('');
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** A name is on the disk only when its folder is. */
async function syncFolder(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
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
