// Cancelling: a queued run ends at once; for a running one the wish is written down, then its supervisor is told. The
// exit decides.
import { QwexError } from '../../shared/errors.ts';
import { refusal } from '../../shared/run-state.ts';
import { fault } from '../fault.ts';
import type { RunRecord } from '../store/record.ts';
import { requestCancel } from '../supervisor/index.ts';
import type { RunnerDeps } from './deps.ts';
import { closeRun } from './executor.ts';

export class Cancellation {
  readonly #deps: RunnerDeps;

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
  }

  /** The run afterwards: cancelled, or on its way. Throws `conflict` when it has ended. */
  async cancel(id: string): Promise<RunRecord> {
    const { store, folders } = this.#deps;
    const run = store.mustGet(id);
    folders.assertOurs(id);
    switch (run.phase) {
      case 'queued': {
        const cancelled = store.cancel(id, { reason: 'cancelled', message: 'cancelled before it started' });
        await closeRun(this.#deps, cancelled);
        return cancelled;
      }
      case 'preparing':
        return store.requestCancel(id);
      case 'running': {
        const asked = store.requestCancel(id);
        fault('cancel_recorded');
        await requestCancel({ runDir: folders.directory(run) });
        return asked;
      }
      case 'collecting':
      case 'succeeded':
      case 'failed':
      case 'cancelled':
        throw new QwexError({
          code: 'conflict',
          message: refusal('cancel', id, run.phase),
          hint:
            run.phase === 'collecting'
              ? 'its command has already ended; its artifacts are being collected'
              : undefined,
        });
      default:
        return run.phase satisfies never;
    }
  }
}
