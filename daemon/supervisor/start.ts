// Starts a run's script under a supervisor, at most once for each attempt.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { preventStart } from './claim.ts';
import type { ProcessIdentity } from './identity.ts';
import { inspectNamed } from './inspect.ts';
import { readTime, variablesPath } from './places.ts';
import { environmentBytes, type StartRequest, startSettings } from './request.ts';
import { copySupervisor } from './scripts.ts';
import { readTrouble, type SupervisorExit, spawnSupervisor, wasUnseen } from './spawn.ts';

export type StartResult =
  /** In charge. The supervisor's own end is a hint to inspect; undefined when it died before it could say who it is. */
  | {
      kind: 'started';
      supervisor: ProcessIdentity | undefined;
      /** Since the epoch; null when a cancel came first and the script was never let go. */
      startedAtMs: number | null;
      exited: Promise<SupervisorExit>;
    }
  /** Nothing happened: try again, under the same number, when devices are free. */
  | { kind: 'devices_busy' }
  /** Somebody else has this attempt, or the run has already run. */
  | { kind: 'claimed' }
  /** Nothing ran, and this attempt is used up. */
  | { kind: 'failed'; message: string };

/** Resolves once the script was let go, or can't be any more. `script.sh` is already in the run's folder. */
export async function startSupervisor(request: StartRequest): Promise<StartResult> {
  const { runDir, localDir } = request;
  const settings = startSettings(request);
  // Synchronous: these take a tenth of a millisecond together, and several each as turns of the event loop.
  mkdirSync(join(runDir, 'meta'), { recursive: true, mode: 0o700 });
  mkdirSync(localDir, { recursive: true, mode: 0o700 });
  writeFileSync(variablesPath(runDir), environmentBytes(request.variables), { mode: 0o600 });
  const { announced, exited } = spawnSupervisor({ args: [copySupervisor(runDir), runDir], settings, runDir });
  const supervisor = await announced;
  const started = async (): Promise<StartResult> => {
    return { kind: 'started', supervisor, startedAtMs: await readTime(runDir, 'started_at'), exited };
  };
  if (supervisor !== undefined) return started();

  const { code, signal } = await exited;
  if (code === 75) return { kind: 'devices_busy' };
  if (code === 76) return { kind: 'claimed' };
  // Nobody saw its end, so it may be on its way still: who takes its claim decides that it never starts.
  if (wasUnseen({ code, signal }) && (await preventStart({ runDir, attempt: request.attempt })))
    return { kind: 'failed', message: 'who was to start the supervisor was killed' };
  const found = await inspectNamed({ runDir, localDir });
  if (found.kind !== 'never_ran') return started();
  const ending = signal === null ? `exit code ${code}` : signal;
  return { kind: 'failed', message: `the supervisor ended with ${ending}: ${await readTrouble(runDir)}` };
}
