// The daemon's door to new supervisors: started by the starter where there is one, else by this process.

import { currentStarter } from '../starter/starter.ts';
import { runSupervisor, type SupervisorExit } from '../starter/supervisor-process.ts';
import { type ProcessIdentity, parseIdentity } from './identity.ts';
import { readText, troublePath } from './places.ts';

export type { SupervisorExit } from '../starter/supervisor-process.ts';

export interface SpawnedSupervisor {
  /** The supervisor's word that it is in charge; undefined when it ended without one. */
  announced: Promise<ProcessIdentity | undefined>;
  /**
   * Its end, or the end of whoever would have seen it (then with neither code nor signal): a hint to look at the run.
   * Keeps no event loop alive.
   */
  exited: Promise<SupervisorExit>;
}

/** `args` of bash: the script and its words; `settings`: its whole environment. */
export function spawnSupervisor(of: {
  args: string[];
  settings: Record<string, string>;
  runDir: string;
}): SpawnedSupervisor {
  const call = { args: of.args, settings: of.settings, troubleFile: troublePath(of.runDir) };
  const { words, exited } = currentStarter()?.supervise(call) ?? runSupervisor(call);
  return { announced: words.then(parseIdentity), exited };
}

/** The starter died before the supervisor did: it may live. */
export function wasUnseen({ code, signal }: SupervisorExit): boolean {
  return code === null && signal === null;
}

/** The last words of a supervisor that could not start. */
export async function readTrouble(runDir: string): Promise<string> {
  return (await readText(troublePath(runDir)))?.trimEnd().slice(-2000) ?? '';
}
