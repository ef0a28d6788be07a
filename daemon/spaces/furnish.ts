// The last steps that make a checkout a run's space, whether it is a new one or one that is used again: links, the
// folders that are watched, what is known of it, and its place.

import { join, posix } from 'node:path';
import { lstat, rename } from '../../shared/at-once.ts';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { fault } from '../fault.ts';
import { bytesOf, byteText } from './byte-text.ts';
import { type Reuse, type SpaceFacts, writeEntryFacts } from './facts.ts';
import { uptimeTicks } from './holders.ts';
import { followsFolders, makeFolders } from './inside.ts';
import { makeLinks } from './links.ts';
import { fieldsOf } from './tree-record.ts';
import type { Furnished } from './tree-work.ts';
import { gitdirOf } from './worktree-entry.ts';

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
  /** Made where the commit lacks them; what is in their way stays. */
  folders?: string[];
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

export interface Checkout {
  /** Where it is now. */
  aside: string;
  /** In the repository. */
  entry: string;
  /** What is known of it for another use; null when there is to be none. */
  reuse: Reuse | null;
  warnings: string[];
}

/** Throws before anything is changed when the commit lacks the run's folder. */
export async function requireFolder(request: SpaceRequest, at: string): Promise<void> {
  if ((await followsFolders(at, request.subdir)) !== 'yes') throw noSuchFolder(request);
}

export async function furnish(request: SpaceRequest, checkout: Checkout): Promise<Space> {
  const { root, sha, path, subdir, links, folders = [] } = request;
  const { aside, entry, reuse, warnings } = checkout;
  const linked = await makeLinks({ root, space: aside, links });
  for (const folder of folders) await makeFolders(aside, folder);
  // Whole or as it was: an entry that names nothing could not be told from somebody else's.
  await writeAtomically(join(entry, 'gitdir'), `${await gitdirOf(path)}\n`);
  fault('space_named');
  await rename(aside, path);
  const touched = [...linked.linked, ...folders.map((folder) => posix.normalize(folder))];
  const facts: SpaceFacts = {
    sha,
    linked: linked.linked,
    reuse: reuse && {
      ...reuse,
      uptimeTicks: uptimeTicks(),
      furnished: { ...reuse.furnished, ...(await describeParents(path, touched)) },
    },
  };
  await writeEntryFacts(entry, facts);
  return {
    path,
    cwd: join(path, subdir),
    linked: linked.linked,
    warnings: [...warnings, ...linked.warnings],
  };
}

/** The top and every folder on the way to these paths. Those that the commit lacks do no harm: nothing asks for them. */
async function describeParents(space: string, paths: readonly string[]): Promise<Furnished> {
  const folders = new Set(['']);
  for (const path of paths)
    for (let at = posix.dirname(path); at !== '.' && at !== '/'; at = posix.dirname(at)) folders.add(at);
  return describeFolders(space, [...folders].map(byteText));
}

/** Those that are there. `folders` and the keys are byte texts. */
export async function describeFolders(space: string, folders: readonly string[]): Promise<Furnished> {
  const described: Furnished = {};
  for (const folder of folders) {
    const path = folder === '' ? space : bytesOf(`${byteText(space)}/${folder}`);
    const stat = await lstat(path).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
      throw error;
    });
    if (stat !== null) described[folder] = fieldsOf(stat);
  }
  return described;
}

function noSuchFolder({ sha, subdir }: SpaceRequest): QwexError {
  return new QwexError({
    code: 'unsupported',
    message: `The run's folder ${JSON.stringify(subdir)} is not in commit ${sha.slice(0, 12)}.`,
    hint: 'Commit something in that folder, or submit from a folder that the commit has.',
  });
}
