// Hears of runs that ended from one watched folder, whatever their number.

import { basename } from 'node:path';
import { watch } from 'chokidar';

export interface EndedWatch {
  /** Resolves when the files that were there at the start have been told. */
  ready: Promise<void>;
  close(): Promise<void>;
}

/** Tells the name of every file that is or appears in the folder. A hint to inspect; whoever collects removes the file. */
export function watchEnded(
  endedDir: string,
  onEnded: (runId: string) => void,
  onError: (error: unknown) => void,
): EndedWatch {
  const watcher = watch(endedDir, { depth: 0, ignoreInitial: false });
  watcher.on('add', (path) => onEnded(basename(path))).on('error', onError);
  const ready = new Promise<void>((resolve) => {
    watcher.once('ready', () => resolve());
  });
  return { ready, close: () => watcher.close() };
}
