// A folder as it is, to be compared with what it is later: everything that can change about a file but its times.
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';

/** Path from the folder → what is there. `leaveOut`: paths, relative to the folder, that may change. */
export function treeOf(folder: string, leaveOut: readonly string[] = []): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (path: Buffer): void => {
    for (const name of fs.readdirSync(Buffer.concat([Buffer.from(`${folder}/`), path]), {
      encoding: 'buffer',
    })) {
      const below = path.length === 0 ? name : Buffer.concat([path, Buffer.from('/'), name]);
      const text = below.toString('latin1');
      if (leaveOut.includes(text)) continue;
      const full = Buffer.concat([Buffer.from(`${folder}/`), below]);
      const stat = fs.lstatSync(full);
      found[text] = describe(full, stat);
      if (stat.isDirectory()) visit(below);
    }
  };
  visit(Buffer.alloc(0));
  return found;
}

function describe(path: Buffer, stat: fs.Stats): string {
  const mode = stat.mode.toString(8);
  if (stat.isSymbolicLink()) return `${mode} -> ${fs.readlinkSync(path)}`;
  if (!stat.isFile()) return mode;
  return `${mode} ${stat.size} ${createHash('sha256').update(fs.readFileSync(path)).digest('hex')}`;
}

/** Bytes of memory that a process has in use, and the most that it ever had. */
export function memoryOf(pid: number): { bytes: number; mostBytes: number } {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  return { bytes: kilobytes('VmRSS') * 1024, mostBytes: kilobytes('VmHWM') * 1024 };
}
