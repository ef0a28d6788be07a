// Starts supervise.sh so that it outlives this process: its own session, a clean environment, no descriptor of ours.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { dirname } from 'node:path';
import { type ProcessIdentity, parseIdentity } from './identity.ts';
import { readText, troublePath } from './places.ts';

export interface SupervisorExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface SpawnedSupervisor {
  /** The supervisor's word that it is in charge; undefined when it ended without one. */
  announced: Promise<ProcessIdentity | undefined>;
  /** Its end, for as long as this process lives to see it. Keeps no event loop alive. */
  exited: Promise<SupervisorExit>;
}

/** Spawns the script. Rejects `announced` when bash itself can't be run; `exited` is then never settled. */
export function spawnSupervisor(
  args: string[],
  settings: Record<string, string>,
  runDir: string,
): SpawnedSupervisor {
  mkdirSync(dirname(troublePath(runDir)), { recursive: true, mode: 0o700 });
  const trouble = openSync(troublePath(runDir), 'a', 0o600);
  try {
    const child = spawn('/bin/bash', ['-p', ...args], {
      cwd: '/',
      env: settings,
      detached: true,
      stdio: ['ignore', 'pipe', trouble],
    });
    return watch(child);
  } finally {
    closeSync(trouble);
  }
}

/** The last words of a supervisor that could not start. */
export async function readTrouble(runDir: string): Promise<string> {
  return (await readText(troublePath(runDir)))?.trimEnd().slice(-2000) ?? '';
}

function watch(child: ChildProcess): SpawnedSupervisor {
  const exited = new Promise<SupervisorExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const announced = new Promise<ProcessIdentity | undefined>((resolve, reject) => {
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('\n')) resolve(parseIdentity(said));
    });
    child.once('error', reject).once('close', () => resolve(parseIdentity(said)));
  }).finally(() => {
    child.unref();
    if (child.stdout instanceof Socket) child.stdout.unref();
  });
  return { announced, exited };
}
