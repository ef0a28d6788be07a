// Puts a new supervisor in the place of one that died, so that nothing of the run is left without a keeper.

import { mkdirSync } from 'node:fs';
import type { ProcessIdentity } from './identity.ts';
import { adoptSettings, type SuperviseRequest } from './request.ts';
import { copySupervisor } from './scripts.ts';
import { readTrouble, type SupervisorExit, spawnSupervisor, wasUnseen } from './spawn.ts';

export type AdoptResult =
  | { kind: 'adopted'; supervisor: ProcessIdentity; exited: Promise<SupervisorExit> }
  /** A supervisor is alive after all, or the run is finished: inspect again. */
  | { kind: 'not_needed' }
  /** Nothing ever ran under this folder. */
  | { kind: 'never_ran' }
  | { kind: 'failed'; message: string };

/**
 * For an orphan: keeps its time limit, cancels it when asked, and ends it as `lost` when it is gone. For a lost run: ends
 * what is left of it. Either way it is `finished` after that, its exit code unknown.
 */
export async function adoptRun(request: SuperviseRequest): Promise<AdoptResult> {
  const { runDir, localDir } = request;
  mkdirSync(localDir, { recursive: true, mode: 0o700 });
  const script = copySupervisor(runDir);
  const settings = adoptSettings(request);
  const { announced, exited } = spawnSupervisor({ args: [script, '--adopt', runDir], settings, runDir });
  const supervisor = await announced;
  if (supervisor !== undefined) return { kind: 'adopted', supervisor, exited };
  const { code, signal } = await exited;
  // Unseen, it may have taken over all the same.
  if (code === 76 || wasUnseen({ code, signal })) return { kind: 'not_needed' };
  if (code === 77) return { kind: 'never_ran' };
  const ending = signal === null ? `exit code ${code}` : signal;
  return { kind: 'failed', message: `taking over ended with ${ending}: ${await readTrouble(runDir)}` };
}
