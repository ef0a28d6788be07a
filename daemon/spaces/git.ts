// The one door to git for the daemon: whatever it asks git goes through here, and is run as git-process.ts says, in the
// starter where there is one.
import { QwexError } from '../../shared/errors.ts';
import { GitFailure, GitKilled } from '../starter/git-failure.ts';
import { type GitCall, runGit } from '../starter/git-process.ts';
import { errorOf } from '../starter/messages.ts';
import { currentStarter } from '../starter/starter.ts';

export { GitFailure, GitKilled } from '../starter/git-failure.ts';
export type { GitCall } from '../starter/git-process.ts';

/** Commands that come to the same when they are given twice: killed, they are given once more. */
const REPEATABLE = new Set([
  ...['rev-parse', 'status', 'cat-file', 'ls-files', 'ls-tree', 'check-ignore', 'config', 'diff'],
  ...['for-each-ref', 'update-ref'],
]);

/** What git prints on stdout, as UTF-8. Throws GitFailure, or QwexError when it was killed or isn't installed. */
export async function git(call: GitCall): Promise<string> {
  try {
    return await gitOnce(call);
  } catch (error) {
    if (!(error instanceof GitKilled) || !REPEATABLE.has(call.args[0] ?? '')) throw error;
    return gitOnce(call);
  }
}

async function gitOnce(call: GitCall): Promise<string> {
  const starter = currentStarter();
  if (starter === undefined) return runGit(call);
  const answer = await starter.git(call);
  switch (answer.kind) {
    case 'printed':
      return answer.stdout;
    case 'not_begun':
      return runGit(call);
    case 'killed':
      throw new GitKilled(call.args);
    case 'failed':
      throw new GitFailure(answer);
    case 'refused':
      throw new QwexError(answer);
    case 'broke':
      throw errorOf(answer);
    default:
      return answer satisfies never;
  }
}

/** The fields of `-z` output. */
export function splitNul(text: string): string[] {
  const fields = text.split('\0');
  if (fields.at(-1) === '') fields.pop();
  return fields;
}
