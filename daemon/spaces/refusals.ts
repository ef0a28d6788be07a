// Git's ways of saying "this is no workspace", in sentences with a way out. Runs nothing.

import { QwexError } from '../../shared/errors.ts';
import type { GitFailure } from './git.ts';
import { shellWord } from './wording.ts';

/** For a failed look at `cwd`. What isn't recognised is reported with git's own words. */
export function refusal(cwd: string, failure: GitFailure): QwexError {
  const said = failure.stderr.trim();
  if (/dubious ownership|unsafe repository/.test(said)) return foreign(cwd, failure);
  if (/not a git repository: /.test(said) && !/or any of the parent/.test(said)) {
    return new QwexError({
      code: 'not_a_workspace',
      message: `${cwd} is a linked worktree whose repository is gone (${firstLine(said)}).`,
      hint: 'Run `git worktree repair` in the repository that it belonged to, or clone it again.',
      cause: failure,
    });
  }
  if (/not a git repository/.test(said)) {
    return new QwexError({
      code: 'not_a_workspace',
      message: `${cwd} is not inside a git repository, and a run is always the run of a commit.`,
      hint: 'Make it one: git init && git add -A && git commit -m "Start"',
      cause: failure,
    });
  }
  return new QwexError({
    code: 'not_a_workspace',
    message: `git could not read the repository at ${cwd}: ${firstLine(said)}`,
    hint: `See what it says by hand: git -C ${shellWord(cwd)} status`,
    cause: failure,
  });
}

export function folderGone(cwd: string): QwexError {
  return new QwexError({
    code: 'not_a_workspace',
    message: `The folder ${cwd} does not exist (any more), or is no folder.`,
    hint: 'Change to a folder of your repository, for example with: cd "$PWD" or cd ..',
  });
}

export function bareRepository(cwd: string): QwexError {
  return new QwexError({
    code: 'not_a_workspace',
    message: `${cwd} is a bare repository: it has no files to submit from.`,
    hint: 'Submit from a clone of it, or from a worktree: git worktree add ../work',
  });
}

export function insideGitFolder(cwd: string): QwexError {
  return new QwexError({
    code: 'not_a_workspace',
    message: `${cwd} is inside the .git folder of a repository, not among its files.`,
    hint: 'Change to the folder that holds .git, and submit from there.',
  });
}

export function noCommitYet(root: string, branch: string | null): QwexError {
  return new QwexError({
    code: 'not_a_workspace',
    message: `The repository ${root} has no commit on ${branch ?? 'HEAD'} yet, and a run is always the run of a commit.`,
    hint: 'Make the first one: git add -A && git commit -m "Start"',
  });
}

function foreign(cwd: string, failure: GitFailure): QwexError {
  const advised = /safe\.directory (.+)$/m.exec(failure.stderr)?.[1];
  return new QwexError({
    code: 'unsupported',
    message: `The repository at ${cwd} belongs to another account, so git refuses to read it.`,
    hint: `If you trust it: git config --global --add safe.directory ${advised ?? shellWord(cwd)}`,
    cause: failure,
  });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
