// How a git may end badly.
import { QwexError } from '../../shared/errors.ts';

/** A git command that ended with an exit code nobody expected. A negative code: it could not be started. */
export class GitFailure extends Error {
  readonly args: string[];
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;

  constructor({ args, exitCode, stdout, stderr }: Omit<GitFailure, keyof Error>) {
    super(`git ${args[0]} failed with exit code ${exitCode}: ${stderr.trim()}`);
    this.name = 'GitFailure';
    this.args = args;
    this.exitCode = exitCode;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

/** It, or whoever had started it, was ended by a signal: nobody knows how far it came. */
export class GitKilled extends QwexError {
  constructor(args: readonly string[]) {
    const hint =
      'try again; if it happens again, look who ends processes here (the kernel, when memory is short)';
    super({ code: 'internal', message: `git ${args[0]} was killed before it was done`, hint });
  }
}
