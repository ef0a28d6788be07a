// What a full disk must not end: a step that found no room is done again when there is some.
import { isErrno, QwexError } from '../../shared/errors.ts';
import type { RunnerDeps } from './deps.ts';

/** True for every way in which a full disk, or a used-up quota, is told. */
export function isFullDisk(error: unknown): boolean {
  return (error instanceof QwexError && error.code === 'no_space') || isErrno(error, 'ENOSPC', 'EDQUOT');
}

/** The step's result, however long there is no room for it; undefined when the daemon stops before. */
export async function whenRoom<T>(
  { disk, log }: Pick<RunnerDeps, 'disk' | 'log'>,
  { runId, stopped }: { runId: string; stopped: AbortSignal },
  step: () => Promise<T> | T,
): Promise<T | undefined> {
  while (!stopped.aborted) {
    try {
      return await step();
    } catch (error) {
      if (!isFullDisk(error)) throw error;
      log.warn({ err: error, runId }, 'the disk is full: this is done again when there is room');
      await disk.untilRoom(stopped);
    }
  }
  return undefined;
}
