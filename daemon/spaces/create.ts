// Makes a space: a detached worktree of the user's repository, made aside and moved into place when it is complete.
// So a space that exists is whole; and a git that outlives a killed daemon works in a folder and an entry of its own,
// which nothing made later shares with it.

import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { fault } from '../fault.ts';
import { explainAdd } from './create-errors.ts';
import { PRISTINE_INDEX, SPACE_FACTS, type SpaceFacts } from './facts.ts';
import { git } from './git.ts';
import { keepIndex } from './index-copy.ts';
import { followsFolders } from './inside.ts';
import { makeLinks } from './links.ts';
import { checkOutSubmodules } from './submodules.ts';
import type { Trash } from './trash.ts';
import type { Turns } from './turns.ts';
import { entryClaimedBy, gitdirOf, removeEntries } from './worktree-entry.ts';

export interface SpaceRequest {
  /** The user's working tree: where links and submodules come from. */
  root: string;
  commonDir: string;
  sha: string;
  /** Where the space is to be, absolute. The last part (the run's id) is letters, digits, "-" and "_". */
  path: string;
  /** The run's working directory, from the root; '' for the root. */
  subdir: string;
  links: string[];
  submodules: boolean;
  /** Ends the checkout early. */
  signal?: AbortSignal;
}

export interface Space {
  path: string;
  /** The working directory of the run. */
  cwd: string;
  /** Symlinks to the workspace, from the space. */
  linked: string[];
  warnings: string[];
}

// Writing files is what takes long, and it goes on in parallel; beyond four the disk is the limit.
const CHECKOUT = [
  `checkout.workers=${Math.min(availableParallelism(), 4)}`,
  'worktree.useRelativePaths=false', // the worktree is moved when it is complete
  'advice.detachedHead=false',
];

/** Makes the space anew: whatever is at `path`, from an attempt that was cut short, is thrown away first. */
export async function createSpace(
  request: SpaceRequest,
  { trash, turns }: { trash: Trash; turns: Turns },
): Promise<Space> {
  const { commonDir, path } = request;
  const name = basename(path);
  if (!/^[\w-]+$/.test(name)) throw new TypeError(`not a name for a space: ${name}`);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await trash.discard(path);
  await removeEntries({ commonDir, path, asideIn: trash.folder });

  const aside = await trash.newPath(name);
  try {
    await turns.take(commonDir, () => addWorktree(request, aside));
    fault('space_added');
    return await furnish(request, aside);
  } catch (error) {
    await removeEntries({ commonDir, path: aside });
    await removeEntries({ commonDir, path });
    await trash.discard(aside);
    throw error;
  }
}

// Git makes a worktree in two steps, the long one in a child of its own. Where the checkout may be cancelled, the two
// are ours: the signal then ends what writes.
async function addWorktree({ commonDir, sha, path, signal }: SpaceRequest, aside: string): Promise<void> {
  const reason = `in use by qwex run ${basename(path)}`;
  const add = (...options: string[]) => {
    return ['worktree', 'add', '--detach', ...options, '--lock', '--reason', reason, aside, sha];
  };
  const common = { config: CHECKOUT, ...(signal === undefined ? {} : { signal }) };
  try {
    if (signal === undefined) {
      await git({ cwd: commonDir, args: add(), ...common });
      return;
    }
    signal.throwIfAborted();
    await git({ cwd: commonDir, args: add('--no-checkout'), ...common });
    await git({ cwd: aside, args: ['reset', '--hard', '--no-recurse-submodules'], ...common });
  } catch (error) {
    throw signal?.aborted ? signal.reason : explainAdd(error, { commonDir, sha });
  }
}

async function furnish(request: SpaceRequest, aside: string): Promise<Space> {
  const { root, sha, path, subdir, links } = request;
  await chmod(aside, 0o700);
  if ((await followsFolders(aside, subdir)) !== 'yes') throw noSuchFolder(request);
  const warnings = request.submodules ? await checkOutSubmodules({ ...request, space: aside }) : [];
  const linked = await makeLinks({ root, space: aside, links });
  const entry = await entryClaimedBy(aside);
  if (entry === null) throw new Error(`git made no worktree at ${aside}`);
  await keepFacts(entry, { sha, linked: linked.linked });
  if (await exists(join(entry, 'info', 'sparse-checkout'))) {
    warnings.push(
      'The repository is a sparse checkout: the space has the same part of the commit, not all of it.',
    );
  }
  // Whole or as it was: an entry that names nothing could not be told from somebody else's.
  await writeAtomically(join(entry, 'gitdir'), `${await gitdirOf(path)}\n`);
  fault('space_named');
  await rename(aside, path);
  return {
    path,
    cwd: join(path, subdir),
    linked: linked.linked,
    warnings: [...warnings, ...linked.warnings],
  };
}

async function keepFacts(entry: string, facts: SpaceFacts): Promise<void> {
  await keepIndex(join(entry, 'index'), join(entry, PRISTINE_INDEX));
  await writeFile(join(entry, SPACE_FACTS), JSON.stringify(facts), { mode: 0o600 });
}

async function exists(path: string): Promise<boolean> {
  try {
    await readFile(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

function noSuchFolder({ sha, subdir }: SpaceRequest): QwexError {
  return new QwexError({
    code: 'unsupported',
    message: `The run's folder ${JSON.stringify(subdir)} is not in commit ${sha.slice(0, 12)}.`,
    hint: 'Commit something in that folder, or submit from a folder that the commit has.',
  });
}
