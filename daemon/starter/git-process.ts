// Runs one git, in the process that this is called in. No call ever runs a hook, an fsmonitor, an editor or a pager,
// waits for a password, takes an optional lock in the user's repository, or sees the `GIT_*` variables of whoever
// started the daemon (a GIT_DIR inherited from a hook would send every call elsewhere).

import type { Readable } from 'node:stream';
import { GitError, type SimpleGitOptions, simpleGit } from 'simple-git';
import { QwexError } from '../../shared/errors.ts';
import { GitFailure, GitKilled } from './git-failure.ts';
import type { GitOrder } from './messages.ts';

export interface GitCall extends GitOrder {
  signal?: AbortSignal;
}

const SAFE_CONFIG = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.splitIndex=false',
  'gc.auto=0',
  'maintenance.auto=false',
];

const AFTER_EXIT_MS = 200;

// Everything simple-git refuses by default and that our own, fixed arguments use.
const ALLOWED: NonNullable<SimpleGitOptions['unsafe']> = {
  allowUnsafeHooksPath: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeConfigPaths: true,
};

const OUR_VARIABLES = [
  'GIT_OPTIONAL_LOCKS',
  'GIT_TERMINAL_PROMPT',
  'GIT_INDEX_FILE',
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_AUTHOR_NAME',
  'GIT_AUTHOR_EMAIL',
  'GIT_AUTHOR_DATE',
  'GIT_COMMITTER_NAME',
  'GIT_COMMITTER_EMAIL',
  'GIT_COMMITTER_DATE',
];

// Variables that make git start another program, or that simple-git treats as such.
const PROGRAMS = new Set(['editor', 'visual', 'pager', 'prefix', 'ssh_askpass']);

/** What git prints on stdout, as UTF-8. Throws GitFailure, or QwexError when git isn't installed. */
export async function runGit(call: GitCall): Promise<string> {
  const { args, cwd, accept = [0], input, signal, config = [] } = call;
  let failure: GitFailure | GitKilled | undefined;
  const runner = simpleGit({
    baseDir: cwd,
    config: [...SAFE_CONFIG, ...config],
    unsafe: ALLOWED,
    allowEnvironment: OUR_VARIABLES,
    // A filter that git started may outlive a cancelled git and hold its output open.
    completion: { onClose: true, onExit: signal === undefined ? false : AFTER_EXIT_MS },
    errors: (_error, { exitCode, stdOut, stdErr }) => {
      if (accept.includes(exitCode)) return undefined;
      // Of a git that a signal has ended there is none.
      if (!Number.isInteger(exitCode)) {
        failure = new GitKilled(args);
        return new GitError(undefined, failure.message);
      }
      const stdout = Buffer.concat(stdOut).toString();
      failure = new GitFailure({ args, exitCode, stdout, stderr: Buffer.concat(stdErr).toString() });
      return new GitError(undefined, failure.message);
    },
    ...(input === undefined ? {} : { input: () => input }),
    ...(signal === undefined ? {} : { abort: signal }),
  });
  runner.env({ ...scrubbedEnvironment(process.env), ...call.environment });
  runner.outputHandler((_command, stdout) => endSilentCommandsAtOnce(stdout as Readable));
  try {
    return await runner.raw(args);
  } catch (error) {
    throw failure instanceof GitFailure && failure.exitCode < 0 ? notInstalled(failure) : (failure ?? error);
  }
}

function scrubbedEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !isGuarded(entry[0].toLowerCase()),
  );
  return { ...Object.fromEntries(kept), LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0' };
}

function isGuarded(name: string): boolean {
  return name.startsWith('git_') || PROGRAMS.has(name);
}

// simple-git waits 50 ms more for any command that printed nothing. An empty chunk at the end of stdout tells it
// that there is nothing to wait for; many of our commands are silent, and they are on the way of every submit.
function endSilentCommandsAtOnce(stdout: Readable): void {
  stdout.once('end', () => stdout.emit('data', Buffer.alloc(0)));
}

function notInstalled(cause: GitFailure): QwexError {
  return new QwexError({
    code: 'unsupported',
    message: `git could not be started: ${cause.stderr.split('\n', 1)[0]}`,
    hint: 'Install git 2.34 or newer and make sure that it is on the PATH of the qwex daemon (qwex daemon restart).',
    cause,
  });
}
