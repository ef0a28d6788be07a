// A file that is either the old one or the new one, whole, whatever happens in between.
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
  try {
    const handle = await open(temporary, 'w', options.mode ?? 0o600);
    try {
      await handle.writeFile(content);
      if (options.sync) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
