// Why a worktree couldn't be added, in sentences. Runs nothing.

import { messageOf, QwexError } from '../../shared/errors.ts';
import { GitFailure } from './git.ts';
import { shellWord } from './wording.ts';

/** The QwexError for a failed `git worktree add`; anything else comes back as it is. */
export function explainAdd(error: unknown, { commonDir, sha }: { commonDir: string; sha: string }): unknown {
  if (!(error instanceof GitFailure)) return repositoryGone(error, commonDir);
  const said = error.stderr.trim();
  const short = sha.slice(0, 12);
  if (/invalid reference|not a commit|bad object|not a valid object name|unable to read tree/.test(said)) {
    return new QwexError({
      code: 'not_found',
      message: `The repository ${commonDir} does not have commit ${short} (any more).`,
      hint: 'Fetch it again, then: qwex rerun',
      cause: error,
    });
  }
  if (/No space left on device|Disk quota exceeded/.test(said)) {
    return new QwexError({
      code: 'no_space',
      message: `There is no room to check out commit ${short}: ${lastLine(said)}`,
      hint: 'Free some disk space (qwex gc), or move the spaces with `spaces:` in the user config.',
      cause: error,
    });
  }
  return new QwexError({
    code: 'unsupported',
    message: `git could not check out commit ${short} of ${commonDir}: ${lastLine(said)}`,
    hint: `Try it by hand: git -C ${shellWord(commonDir)} worktree add --detach /tmp/try ${short}`,
    details: { output: said.slice(-4000) },
    cause: error,
  });
}

function repositoryGone(error: unknown, commonDir: string): unknown {
  if (!/directory that does not exist/.test(messageOf(error))) return error;
  return new QwexError({
    code: 'not_found',
    message: `The repository ${commonDir} is gone.`,
    hint: 'Put it back where it was, or submit again from where it is now.',
    cause: error,
  });
}

// The cause comes last: before it are progress, the filter's words and git's own "Preparing worktree".
function lastLine(text: string): string {
  const telling = text.split('\n').filter((line) => /^(fatal|error):/.test(line));
  return telling.at(-1) ?? text.split('\n').at(-1) ?? text;
}
