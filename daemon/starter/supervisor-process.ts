// Runs one supervise.sh, in the process that this is called in, so that it outlives that process: its own session, a
// clean environment, no descriptor of ours.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { dirname } from 'node:path';

export interface SupervisorExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface SupervisorCall {
  /** Of bash: the script and its words. */
  args: string[];
  /** Its whole environment. */
  settings: Record<string, string>;
  /** A file for its last words, when it can't start. */
  troubleFile: string;
}

export interface SupervisorProcess {
  /** What it said first; undefined when it ended without a word. */
  words: Promise<string | undefined>;
  /** Its end, for as long as this process lives to see it. Keeps no event loop alive. */
  exited: Promise<SupervisorExit>;
}

/** Rejects `words` when bash itself can't be run; `exited` is then never settled. */
export function runSupervisor({ args, settings, troubleFile }: SupervisorCall): SupervisorProcess {
  mkdirSync(dirname(troubleFile), { recursive: true, mode: 0o700 });
  const trouble = openSync(troubleFile, 'a', 0o600);
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

function watch(child: ChildProcess): SupervisorProcess {
  const exited = new Promise<SupervisorExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const words = new Promise<string | undefined>((resolve, reject) => {
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('\n')) resolve(said);
    });
    child.once('error', reject).once('close', () => resolve(said === '' ? undefined : said));
  }).finally(() => {
    child.unref();
    if (child.stdout instanceof Socket) child.stdout.unref();
  });
  return { words, exited };
}
