// What is stored of a run, found by its own eyes and not by the daemon's, in the words of the manifest.
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import type { Artifact } from '../../daemon/artifacts/manifest.ts';
import { encodePath } from '../../shared/byte-path.ts';

export interface Stored {
  artifacts: Artifact[];
  /** Paths of what is neither file nor symlink. */
  others: string[];
  /** Of all files. */
  contents: Buffer[];
}

/** Everything below a folder; nothing when there is none. Never follows a link. */
export function storedIn(folder: string): Stored {
  const stored: Stored = { artifacts: [], others: [], contents: [] };
  if (fs.existsSync(folder)) visit(Buffer.from(folder), Buffer.alloc(0), stored);
  stored.artifacts.sort((a, b) => (a.path < b.path ? -1 : 1));
  return stored;
}

function visit(folder: Buffer, path: Buffer, stored: Stored): void {
  for (const name of fs.readdirSync(join(folder, path), { encoding: 'buffer' })) {
    const below = path.length === 0 ? name : join(path, name);
    const full = join(folder, below);
    const stat = fs.lstatSync(full);
    if (stat.isDirectory()) visit(folder, below, stored);
    else if (!stat.isFile() && !stat.isSymbolicLink()) stored.others.push(encodePath(below));
    else stored.artifacts.push({ path: encodePath(below), ...factsOf(full, stat, stored) });
  }
}

function factsOf(full: Buffer, stat: fs.Stats, { contents }: Stored): Omit<Artifact, 'path'> {
  if (stat.isSymbolicLink()) {
    const target = fs.readlinkSync(full, { encoding: 'buffer' });
    return {
      sizeBytes: target.length,
      sha256: null,
      mode: 0o777,
      type: 'symlink',
      target: encodePath(target),
    };
  }
  const content = fs.readFileSync(full);
  contents.push(content);
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { sizeBytes: content.length, sha256, mode: stat.mode & 0o777, type: 'file' };
}

function join(a: Buffer, b: Buffer): Buffer {
  return b.length === 0 ? a : Buffer.concat([a, Buffer.from('/'), b]);
}
