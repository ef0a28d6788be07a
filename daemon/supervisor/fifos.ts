// The fifos of a supervisor: the daemon removes them, which costs it less than a process costs the supervisor.

import { join } from 'node:path';
import { rm } from '../../shared/at-once.ts';
import { lifePath } from './places.ts';

/** Removes them once the run has ended. Harmless while its supervisor is on its way out: it has them open. */
export async function removeFifos({
  localDir,
  attempts,
}: {
  localDir: string;
  attempts: number;
}): Promise<void> {
  const gates = Array.from({ length: attempts }, (_, index) => join(localDir, `gate.${index + 1}`));
  for (const fifo of [lifePath(localDir), ...gates]) await rm(fifo, { force: true });
}
