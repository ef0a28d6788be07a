// What must not be there once all runs have ended, looked for with readdir, git and /proc alone. Spaces that wait for
// the next run may be there, if they are in the pool, known to git, and as clean as new.
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { commandOf } from '../rig/processes.ts';
import { processesOf } from './prey.ts';
import { git, type World } from './world.ts';

export interface Leftovers {
  spaces: string[];
  worktrees: string[];
  refs: string[];
  locks: string[];
  environments: string[];
  endedMarks: string[];
  temporaries: string[];
  processes: string[];
}

/** `commits` are those that a remaining run is made from: their pins are no left-overs. */
export async function findLeftovers(world: World, commits: ReadonlySet<string>): Promise<Leftovers> {
  const gitFolder = join(world.repository, '.git');
  const pool = await findPooled(world);
  const [spaces, trash, worktrees, environments, endedMarks] = await Promise.all([
    names(join(world.home, 'spaces')),
    names(join(world.home, 'spaces', '.trash')),
    names(join(gitFolder, 'worktrees')),
    names(join(world.home, 'env')),
    names(join(world.home, 'ended')),
  ]);
  const refs = (await git(world.repository, 'for-each-ref', '--format=%(refname)')).split('\n');
  const paths = [...(await walk(world.home)), ...(await walk(gitFolder))];
  return {
    spaces: [
      ...spaces.filter((name) => name !== '.trash' && name !== '.pool'),
      ...trash.map((name) => `.trash/${name}`),
      ...pool.dirty,
    ],
    worktrees: worktrees.filter((name) => !pool.worktrees.has(name)),
    refs: refs.filter((ref) => ref !== 'refs/heads/main' && !isPinOf(ref, commits)),
    locks: paths.filter((path) => path.startsWith(gitFolder) && path.endsWith('.lock')),
    environments,
    endedMarks,
    temporaries: paths.filter((path) => isTemporary(path)),
    processes: processesOf(world).map((pid) => `${pid} ${commandOf(pid)}`),
  };
}

/** Worktree entries of clean spaces in the pool; and spaces there that are not clean or not known. */
async function findPooled(world: World): Promise<{ worktrees: Set<string>; dirty: string[] }> {
  const found = { worktrees: new Set<string>(), dirty: [] as string[] };
  const pool = join(world.home, 'spaces', '.pool');
  for (const group of await names(pool)) {
    for (const name of (await names(join(pool, group))).filter((each) => each !== 'repository')) {
      const space = join(pool, group, name);
      const entry = await entryOfPooled(world, space).catch(() => null);
      if (entry === null) found.dirty.push(`.pool/${group}/${name}`);
      else found.worktrees.add(entry);
    }
  }
  return found;
}

/** Null or an error when it isn't what it should be. */
async function entryOfPooled({ repository, sha }: World, space: string): Promise<string | null> {
  const entry = await git(space, 'rev-parse', '--absolute-git-dir');
  const backwards = (await readFile(join(entry, 'gitdir'), 'utf8')).trim();
  const isKnown =
    dirname(entry) === join(repository, '.git', 'worktrees') && backwards === join(space, '.git');
  const isNamed = basename(entry) === basename(space);
  const status = await git(space, 'status', '--porcelain', '--branch', '--ignored', '--untracked-files=all');
  const isClean = status === '## HEAD (no branch)' && (await git(space, 'rev-parse', 'HEAD')) === sha;
  return isKnown && isNamed && isClean ? basename(entry) : null;
}

function isPinOf(ref: string, commits: ReadonlySet<string>): boolean {
  const prefix = 'refs/qwex/commits/';
  return ref.startsWith(prefix) && commits.has(ref.slice(prefix.length));
}

/** Half-written files, and the fifos of a supervisor that is no more. */
function isTemporary(path: string): boolean {
  return /\.tmp(-|$)|\.partial$|supervise\.sh\.\d+$|\/(life|gate\.\d+)$|\/tmp_(obj|pack)_/.test(path);
}

async function walk(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.map((entry) => join(entry.parentPath, entry.name));
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
