// Runs one program to its end, in the process that this is called in.
import { spawn } from 'node:child_process';
import type { Exit } from './messages.ts';

export interface Ran {
  exit: Exit;
  /** Its last words. */
  stderr: string;
}

const LAST_WORDS = 4000;

/** Rejects when it can't be started. */
export function runProgram(program: string, args: string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-LAST_WORDS);
    });
    child.once('error', reject).once('close', (code, signal) => resolve({ exit: { code, signal }, stderr }));
  });
}
