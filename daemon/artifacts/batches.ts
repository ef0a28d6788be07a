// Shares the hashing of a tree out to workers: batches small enough to spread, big enough to be worth a message.

import type { HashRequest } from './hash.ts';
import type { FolderOfFiles } from './inventory.ts';

const MOST_FILES = 500;
const MOST_BYTES = 64 * 1024 * 1024;

/** Every file in exactly one batch, in order; a file over the limit of bytes has one of its own. */
export function batches(root: string, folders: readonly FolderOfFiles[]): HashRequest[] {
  const requests: HashRequest[] = [];
  let room = { files: 0, bytes: 0 };
  for (const { path, files } of folders) {
    let names: string[] | undefined;
    for (const { name, sizeBytes } of files) {
      if (requests.length === 0 || room.files === 0 || room.bytes < sizeBytes) {
        requests.push({ root, folders: [] });
        room = { files: MOST_FILES, bytes: MOST_BYTES };
        names = undefined;
      }
      if (names === undefined) {
        names = [];
        requests.at(-1)?.folders.push({ path, names });
      }
      names.push(name);
      room = { files: room.files - 1, bytes: room.bytes - sizeBytes };
    }
  }
  return requests;
}
