// Asks until somebody answers: daemons die here all the time.
import { setTimeout as pause } from 'node:timers/promises';
import { QwexError } from '../../shared/errors.ts';

const TRY_AGAIN_MS = 50;

/** The answer, or what the daemon refused with. */
export async function persist<T>(revive: () => Promise<void>, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof QwexError) || error.code !== 'unreachable') throw error;
      await pause(TRY_AGAIN_MS);
      await revive();
    }
  }
}
