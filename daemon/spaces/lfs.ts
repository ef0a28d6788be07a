// Large files kept by Git LFS: without git-lfs a checkout holds small text pointers in their place. Reads only.

import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git, splitNul } from './git.ts';
import { printable } from './wording.ts';

const POINTER = 'version https://git-lfs.github.com/spec/';
const LOOKED_AT = 200;

/**
 * Files of the workspace (from the root, at most `LOOKED_AT` are looked at) that are LFS pointers rather than
 * content. One git call, and none where the attributes at the root don't mention LFS.
 */
export async function lfsPointers({
  root,
  commonDir,
}: {
  root: string;
  commonDir: string;
}): Promise<string[]> {
  const attributes = await Promise.all(
    [join(root, '.gitattributes'), join(commonDir, 'info', 'attributes')].map((path) =>
      readFile(path, 'utf8').catch(() => ''),
    ),
  );
  if (!attributes.some((text) => text.includes('filter=lfs'))) return [];
  const listing = await git({ cwd: root, args: ['ls-files', '-z', '--', ':(top,attr:filter=lfs)'] });
  const paths = splitNul(listing).slice(0, LOOKED_AT);
  const pointers = await Promise.all(paths.map((path) => isPointer(join(root, path))));
  return paths.filter((_, at) => pointers[at]);
}

/** The warning for them, or null when there are none. */
export function lfsWarning(pointers: string[]): string | null {
  const [first] = pointers;
  if (first === undefined) return null;
  const more = pointers.length > 1 ? ` and ${pointers.length - 1} more` : '';
  return `${printable(first)}${more}: Git LFS pointers, not the files themselves, and so they will be in the run. Run: git lfs install && git lfs pull`;
}

async function isPointer(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return false; // deleted, or not readable: no pointer that we know of
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(POINTER.length), 0, POINTER.length, 0);
    return buffer.toString('latin1', 0, bytesRead) === POINTER;
  } finally {
    await file.close();
  }
}
