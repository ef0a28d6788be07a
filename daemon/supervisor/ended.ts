// Hears of runs that ended from one watched folder, whatever their number.

import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { watch } from 'chokidar';
import { isOutOfWatches, lookNowAndThen, type Watch } from '../../shared/watch-or-look.ts';

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
  let looks: Watch | undefined;
  const look = () => {
    readdir(endedDir).then((names) => names.forEach(onEnded), onError);
  };
  watcher.on('add', (path) => onEnded(basename(path)));
  watcher.on('error', (error) => {
    onError(error);
    if (isOutOfWatches(error)) looks ??= lookNowAndThen({ onHint: look, persistent: false });
  });
  const ready = new Promise<void>((resolve) => {
    watcher.once('ready', () => resolve());
  });
  const close = async () => {
    looks?.close();
    await watcher.close();
  };
  return { ready, close };
}
