// The runs that a submission waits for.
import { QwexError } from '../../shared/errors.ts';
import { hasEnded } from '../../shared/run-state.ts';
import type { LocalSubmit } from '../../shared/schemas/local.ts';
import type { Dependency } from '../../shared/schemas/run.ts';
import { resolveRun } from '../store/selectors.ts';
import type { Store } from '../store/store.ts';
import { lastTryOf } from '../store/tries.ts';

/** Throws `not_found` or `ambiguous`. A run that was retried counts as its newest try. */
export function dependenciesOf(store: Store, { after, afterAny }: LocalSubmit): Dependency[] {
  const found = new Map<string, Dependency>();
  for (const [selectors, policy] of [
    [afterAny, 'any'],
    [after, 'success'],
  ] as const) {
    for (const selector of selectors) {
      const run = lastTryOf(store, resolveRun(store, selector));
      if (policy === 'success' && hasEnded(run.phase) && run.phase !== 'succeeded') {
        throw new QwexError({
          code: 'conflict',
          message: `run ${selector} has already ended (${run.phase}), so nothing can run after its success`,
          hint: `to run all the same: --after-any ${selector}`,
        });
      }
      found.set(run.id, { id: run.id, policy });
    }
  }
  return [...found.values()];
}
