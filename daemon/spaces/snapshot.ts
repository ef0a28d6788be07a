// A dirty tree as a commit, made through a private copy of the index. The user's index, HEAD, branches and files are
// never written: only objects are added to the repository, and the caller pins the result.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { GitFailure, git } from './git.ts';
import { copyIndex } from './index-copy.ts';
import { looksLikeSecret } from './secrets.ts';
import { measure, tooLarge } from './snapshot-size.ts';
import { parseStatus, statusArgs } from './status.ts';
import { printable } from './wording.ts';

export interface SnapshotRequest {
  root: string;
  /** Of this worktree: where its index is. */
  gitDir: string;
  /** The commit that the tree is based on. */
  sha: string;
  /** Limit for the files that the commit would add, in bytes. Default 100 MB. */
  maxNewBytes?: number;
}

export interface Snapshot {
  /** The new commit; the given one when the tree is clean. The same tree on the same commit has the same id. */
  sha: string;
  /** What the snapshot holds beyond the commit: paths changed, added or deleted. */
  paths: string[];
  /** Sentences for the user: files that look like secrets, nested repositories left out. */
  warnings: string[];
}

const DEFAULT_MAX_NEW_BYTES = 100_000_000;

// A submit is acknowledged as durable, but git by default doesn't sync loose objects. The last line is for git
// before 2.36, which doesn't know the first two.
const DURABLE = ['core.fsync=committed,loose-object', 'core.fsyncMethod=batch', 'core.fsyncObjectFiles=true'];

/** Commits the working tree aside. Throws `too_large`, or `unsupported` when git can't read a file. */
export async function snapshot(request: SnapshotRequest): Promise<Snapshot> {
  const folder = await mkdtemp(join(tmpdir(), 'qwex-index-'));
  try {
    const index = join(folder, 'index');
    await copyIndex(join(request.gitDir, 'index'), index).catch((error: unknown) => {
      if (!isErrno(error, 'ENOENT')) throw error; // no index yet: every file counts as new
    });
    return await commitAside(request, index);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function commitAside(request: SnapshotRequest, index: string): Promise<Snapshot> {
  const { root, sha, maxNewBytes = DEFAULT_MAX_NEW_BYTES } = request;
  const environment = { GIT_INDEX_FILE: index };
  const status = parseStatus(await git({ cwd: root, args: statusArgs('all'), environment }));
  const nested = status.untracked.filter((path) => path.endsWith('/'));
  const added = status.untracked.filter((path) => !path.endsWith('/'));
  const paths = [...status.dirty.map(({ path }) => path), ...added];
  const submodules = status.dirty.flatMap(({ kind, path }) => (kind === 'submodule' ? [path] : []));
  const warnings = [...secretWarnings(paths), ...leftOut('Repositories inside the repository', nested)];
  warnings.push(...leftOut('Uncommitted changes inside submodules', submodules));
  if (paths.length === 0) return { sha, paths, warnings };

  const size = await measure(root, paths);
  if (size.bytes > maxNewBytes) throw tooLarge({ root, size, maxNewBytes });
  const tree = await writeTree({ root, environment, nested });
  return { sha: await commitTree({ root, tree, parent: sha }), paths, warnings };
}

// A nested repository is kept out: git would record it as a submodule that nobody can check out, or refuse.
async function writeTree(of: {
  root: string;
  environment: Record<string, string>;
  nested: string[];
}): Promise<string> {
  const { root, environment, nested } = of;
  const input = [':(top)', ...nested.map((path) => `:(top,exclude,literal)${path}`)].join('\0');
  const args = ['add', '--all', '--pathspec-from-file=-', '--pathspec-file-nul'];
  try {
    await git({ cwd: root, args, environment, input, config: DURABLE });
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error;
    throw new QwexError({
      code: 'unsupported',
      message: `git could not read the files of ${root}: ${error.stderr.trim().split('\n', 1)[0]}`,
      hint: 'Make the file readable or add it to .gitignore, then submit again.',
      cause: error,
    });
  }
  return (await git({ cwd: root, args: ['write-tree'], environment, config: DURABLE })).trim();
}

async function commitTree({ root, tree, parent }: { root: string; tree: string; parent: string }) {
  const [unchanged, date] = await Promise.all([
    git({ cwd: root, args: ['rev-parse', `${parent}^{tree}`] }),
    git({ cwd: root, args: ['log', '-1', '--no-show-signature', '--format=%ct', parent] }),
  ]);
  if (unchanged.trim() === tree) return parent;
  const answer = await git({
    cwd: root,
    args: ['commit-tree', tree, '-p', parent, '-m', `Snapshot of the tree on ${parent.slice(0, 12)}`],
    environment: identity(`${date.trim()} +0000`),
    config: [...DURABLE, 'i18n.commitEncoding=UTF-8'],
  });
  return answer.trim();
}

// Nothing of the moment or of the person goes in, so that the same tree on the same commit is the same snapshot.
function identity(date: string): Record<string, string> {
  const roles = ['AUTHOR', 'COMMITTER'].flatMap((role) => [
    [`GIT_${role}_NAME`, 'qwex'],
    [`GIT_${role}_EMAIL`, 'qwex@localhost'],
    [`GIT_${role}_DATE`, date],
  ]);
  return Object.fromEntries(roles);
}

function secretWarnings(paths: string[]): string[] {
  const found = paths.filter(looksLikeSecret);
  if (found.length === 0) return [];
  const named = found.slice(0, 10).map(printable).join(', ');
  return [
    `The snapshot holds files that look like secrets: ${named}. Add them to .gitignore to leave them out.`,
  ];
}

function leftOut(what: string, paths: string[]): string[] {
  if (paths.length === 0) return [];
  return [`${what} are not in the snapshot: ${paths.slice(0, 10).map(printable).join(', ')}`];
}
