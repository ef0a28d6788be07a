// The folder that a download writes to. Paths come from another party: nothing is ever written outside of it, not
// by `..`, not through a symlink that lies in it, not in place of a folder.
import { lstat, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { sep } from 'node:path';
import { decodePath } from '../../shared/byte-path.ts';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { quotePath } from '../view/quote.ts';

export class Destination {
  readonly root: Buffer;

  private constructor(root: Buffer) {
    this.root = root;
  }

  /** Makes the folder when it isn't there. */
  static async open(directory: string): Promise<Destination> {
    await mkdir(directory, { recursive: true });
    return new Destination(Buffer.from(directory));
  }

  /** Whether something is at an artifact's path. Throws `forbidden` for a path that leads out. */
  async exists(path: string): Promise<boolean> {
    return (await kindAt(this.#locate(path).at(-1) ?? this.root)) !== 'nothing';
  }

  /** Absolute path to write an artifact to, its folders made and none of them a symlink. */
  async prepare(path: string): Promise<Buffer> {
    const steps = this.#locate(path);
    const file = steps.pop() ?? this.root;
    for (const folder of steps) {
      if ((await kindAt(folder)) === 'nothing') await mkdir(folder);
      else if ((await kindAt(folder)) !== 'folder') {
        throw refused(path, `${quotePath(folder.toString())} is not a folder`);
      }
    }
    if ((await kindAt(file)) === 'folder') throw refused(path, 'a folder is in its place');
    return file;
  }

  /** Makes a symlink with the target as recorded, in place of a file or link of that name. */
  async link(path: string, target: string): Promise<void> {
    const place = await this.prepare(path);
    const aside = Buffer.concat([place, Buffer.from(`.qwex-${process.pid}`)]);
    await rm(aside, { force: true });
    await symlink(decodePath(target), aside);
    await rename(aside, place);
  }

  /** Every folder on the way from the root to a path, and the path itself. */
  #locate(path: string): Buffer[] {
    const names = path.split('/');
    if (names.some((name) => name === '' || name === '.' || name === '..' || name.includes('\0')))
      throw refused(path, 'it does not stay in the folder');
    return names.map((_, index) =>
      Buffer.concat([this.root, Buffer.from(sep), decodePath(names.slice(0, index + 1).join(sep))]),
    );
  }
}

type Kind = 'nothing' | 'folder' | 'other';

async function kindAt(path: Buffer): Promise<Kind> {
  try {
    return (await lstat(path)).isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return 'nothing';
    throw error;
  }
}

function refused(path: string, why: string): QwexError {
  return new QwexError({
    code: 'forbidden',
    message: `the artifact ${quotePath(path)} is not written: ${why}`,
  });
}
