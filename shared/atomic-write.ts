// A file that is either the old one or the new one, whole, whatever happens in between.
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';

export interface AtomicWriteOptions {
  mode?: number;
  /** Also on the disk before the name appears; without it a crash of the machine (not of the daemon) may lose it. */
  sync?: boolean;
}

export async function writeAtomically(
  file: string,
  content: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const temporary = `${file}.tmp-${process.pid}`;
  // Nothing here waits for a disk then, and six turns of the event loop would cost more than all of it.
  if (!options.sync) return writeQuickly({ file, temporary, content, mode: options.mode });
  try {
    const handle = await open(temporary, 'w', options.mode ?? 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function writeQuickly({ file, temporary, content, mode = 0o600 }: QuickWrite): void {
  try {
    writeFileSync(temporary, content, { mode });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

interface QuickWrite {
  file: string;
  temporary: string;
  content: string | Uint8Array;
  mode: number | undefined;
}
