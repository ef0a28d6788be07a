// Says when a file may have changed, also one that isn't there yet, nor its folder. Watches the deepest part
// of the path that exists, so that a file costs one inotify watch and its neighbours' writes cost nothing.
// A signal is a hint, never the news itself. Must never poll while the system can watch.

import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { isErrno } from '../../shared/errors.ts';

export interface FileWatchOptions {
  file: string;
  onHint: () => void;
  /** The system can't watch (no watches or descriptors left): hints come from a timer from now on. */
  onDegraded: (error: Error) => void;
  /** Of that timer. */
  fallbackMs: number;
  /** For tests of the fallback. */
  watchPath?: (path: string, options: { persistent: boolean }) => FSWatcher;
}

export class FileWatch {
  readonly #options: FileWatchOptions;
  #watcher: FSWatcher | undefined;
  #watched: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#arm();
  }

  close(): void {
    this.#isClosed = true;
    this.#watcher?.close();
    clearInterval(this.#timer);
  }

  /** Watches the file, or else the nearest folder that exists. */
  #arm(): void {
    for (let path = this.#options.file; !this.#isClosed; ) {
      const outcome = this.#tryWatch(path);
      if (outcome === 'stopped') return;
      if (outcome === 'missing') path = dirname(path);
      // The next part may have appeared between the look at it and the watch on its folder.
      else if (path === this.#options.file || !exists(childOf(path, this.#options.file))) return;
      else path = this.#options.file;
    }
  }

  #tryWatch(path: string): 'watching' | 'missing' | 'stopped' {
    const { watchPath = watch } = this.#options;
    let watcher: FSWatcher;
    try {
      watcher = watchPath(path, { persistent: false });
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR') && dirname(path) !== path) return 'missing';
      this.#degrade(error instanceof Error ? error : new Error(String(error)));
      return 'stopped';
    }
    this.#watcher?.close();
    this.#watcher = watcher;
    this.#watched = path;
    watcher.on('change', () => this.#onChange());
    watcher.on('error', (error) => this.#degrade(error));
    return 'watching';
  }

  #onChange(): void {
    if (this.#isClosed) return;
    if (this.#watched === this.#options.file) {
      this.#options.onHint();
      return;
    }
    const before = this.#watched;
    // The folder itself may have gone: then its parent is the nearest.
    if (before === undefined || !exists(before) || exists(childOf(before, this.#options.file))) this.#arm();
    if (this.#watched === this.#options.file) this.#options.onHint();
  }

  #degrade(error: Error): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    this.#watcher?.close();
    this.#timer = setInterval(this.#options.onHint, this.#options.fallbackMs);
    this.#timer.unref();
    this.#options.onDegraded(error);
  }
}

/** The part of `file` right below `folder`. */
function childOf(folder: string, file: string): string {
  let path = file;
  while (dirname(path) !== folder && dirname(path) !== path) path = dirname(path);
  return path;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
