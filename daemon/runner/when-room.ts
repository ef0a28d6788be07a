// What a full disk must not end: a step that found no room is done again when there is some.
import { isNoSpace } from '../../shared/errors.ts';
import type { RunnerDeps } from './deps.ts';

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
      if (!isNoSpace(error)) throw error;
      log.warn({ err: error, runId }, 'the disk is full: this is done again when there is room');
      await disk.untilRoom(stopped);
    }
  }
  return undefined;
}
