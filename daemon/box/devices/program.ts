// Asking a driver's program. It is found on the PATH; and a driver in trouble can hang it where no signal reaches, so
// nobody waits for its end, only for its answer.
import { spawn } from 'node:child_process';
import { isErrno, QwexError } from '../../../shared/errors.ts';

export interface ProgramAnswer {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface ProgramOptions {
  timeoutMs?: number;
  env?: NodeJS.ProcessEnv;
}

/** With many devices and no persistence mode the driver loads itself for each question. */
const TIMEOUT_MS = 20_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** Throws `not_found` when there is no such program, `unreachable` when it doesn't answer in time. */
export function askProgram(
  program: string,
  args: readonly string[],
  { timeoutMs = TIMEOUT_MS, env = process.env }: ProgramOptions = {},
): Promise<ProgramAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...env, LC_ALL: 'C' } });
    const answer = { stdout: '', stderr: '' };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      reject(noAnswer(program, args, timeoutMs));
    }, timeoutMs);
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        if (answer[stream].length < MAX_BYTES) answer[stream] += text;
      });
    }
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(isErrno(error, 'ENOENT', 'EACCES') ? noProgram(program, error) : error);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, ...answer });
    });
  });
}

function noProgram(program: string, cause: unknown): QwexError {
  return new QwexError({
    code: 'not_found',
    message: `there is no program ${program} on the PATH`,
    hint: 'install the driver, put the program on the PATH, or declare the devices in box.yaml',
    cause,
  });
}

function noAnswer(program: string, args: readonly string[], timeoutMs: number): QwexError {
  return new QwexError({
    code: 'unreachable',
    message: `${[program, ...args].join(' ')} did not answer within ${timeoutMs / 1000} s`,
    hint: 'the driver may be in trouble: try the command by hand, and look at dmesg',
  });
}
