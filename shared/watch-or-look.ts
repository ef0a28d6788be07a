// Watches a file or the entries of a folder; where the system has no watch left for us (inotify is limited for each
// user, and an editor may have taken all), says so and hints from a timer instead. A hint is never the news itself.
import { watch } from 'node:fs';
import { isErrno } from './errors.ts';

const LOOK_MS = 2000;

export interface WatchOptions {
  /** Named are entries of a folder; null: whatever it is. */
  onHint: (name: string | null) => void;
  /** Hints come from a timer from now on. */
  onDegraded?: (error: Error) => void;
  /** What is watched has gone. */
  onError?: (error: Error) => void;
  lookMs?: number;
  /** Whether this alone keeps the process going. */
  persistent?: boolean;
}

export interface Watch {
  close(): void;
}

/** Throws when there is nothing at the path. */
export function watchOrLook(path: string, options: WatchOptions): Watch {
  const { onHint, onError, persistent = true } = options;
  try {
    const watcher = watch(path, { persistent }, (_, name) => onHint(name));
    watcher.on('error', (error) => onError?.(error));
    return watcher;
  } catch (error) {
    if (!isOutOfWatches(error)) throw error;
    options.onDegraded?.(error);
    return lookNowAndThen(options);
  }
}

export function lookNowAndThen({ onHint, lookMs = LOOK_MS, persistent = true }: WatchOptions): Watch {
  const timer = setInterval(() => onHint(null), lookMs);
  if (!persistent) timer.unref();
  return { close: () => clearInterval(timer) };
}

/** No instance (EMFILE), no watch (ENOSPC) or no memory for one is left. */
export function isOutOfWatches(error: unknown): error is Error {
  return isErrno(error, 'EMFILE', 'ENFILE', 'ENOSPC', 'ENOMEM');
}
