// What must not be there once all runs have ended, looked for with readdir, git and /proc alone.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
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
    spaces: [...spaces.filter((name) => name !== '.trash'), ...trash.map((name) => `.trash/${name}`)],
    worktrees,
    refs: refs.filter((ref) => ref !== 'refs/heads/main' && !isPinOf(ref, commits)),
    locks: paths.filter((path) => path.startsWith(gitFolder) && path.endsWith('.lock')),
    environments,
    endedMarks,
    temporaries: paths.filter((path) => isTemporary(path)),
    processes: processesOf(world).map((pid) => `${pid} ${commandOf(pid)}`),
  };
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
