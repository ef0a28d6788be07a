// Submodules of a space, taken from the user's own clones of them: no network, no password, nothing written to the
// user's configuration. Each is a small clone that borrows the objects of the user's, and goes with the space.

import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { QwexError } from '../../shared/errors.ts';
import { git, splitNul } from './git.ts';
import { followsFolders, relativeInside } from './inside.ts';

export interface SubmoduleRequest {
  /** The user's working tree of the repository that has the submodules. */
  root: string;
  commonDir: string;
  sha: string;
  /** The checkout to fill. */
  space: string;
}

interface Submodule {
  name: string;
  path: string;
  sha: string;
}

/** Checks out all submodules of the commit, and theirs. Returns warnings; throws when one isn't cloned here. */
export async function checkOutSubmodules(request: SubmoduleRequest): Promise<string[]> {
  const warnings: string[] = [];
  for (const submodule of await listSubmodules(request)) {
    const { path, sha } = submodule;
    const source = await clonedAt(request, submodule);
    const target = join(request.space, path);
    if ((await followsFolders(request.space, path)) !== 'yes') {
      warnings.push(`Submodule ${path} is not checked out: something else is at its place in the commit.`);
      continue;
    }
    await borrow({ source, target, sha, path });
    const inner = { root: join(request.root, path), commonDir: source, sha, space: target };
    warnings.push(...(await checkOutSubmodules(inner)));
  }
  return warnings;
}

// The submodules' commits are in the tree, their names in the .gitmodules of the same commit.
async function listSubmodules({ commonDir, sha }: SubmoduleRequest): Promise<Submodule[]> {
  const tree = splitNul(await git({ cwd: commonDir, args: ['ls-tree', '-rz', '--full-tree', sha] }));
  const commits = new Map(
    tree.flatMap((line): [string, string][] => {
      const [, commit = '', path = ''] = /^160000 commit ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
      return path === '' ? [] : [[path, commit]];
    }),
  );
  if (commits.size === 0) return [];
  const names = await namesByPath(commonDir, sha);
  return [...commits].map(([path, commit]) => ({ path, sha: commit, name: names.get(path) ?? path }));
}

async function namesByPath(commonDir: string, sha: string): Promise<Map<string, string>> {
  const args = ['config', '--blob', `${sha}:.gitmodules`, '-z', '--get-regexp', '^submodule\\..*\\.path$'];
  const entries = splitNul(await git({ cwd: commonDir, args, accept: [0, 1, 128] }));
  return new Map(
    entries.flatMap((entry): [string, string][] => {
      const [, name = '', path = ''] = /^submodule\.(.*)\.path\n(.*)$/s.exec(entry) ?? [];
      return name === '' ? [] : [[path, name]];
    }),
  );
}

// A submodule's .git is a file that names the clone, or, for one added by hand, the clone itself.
async function clonedAt({ root, commonDir }: SubmoduleRequest, { name, path }: Submodule): Promise<string> {
  const dotGit = join(root, path, '.git');
  const file = await readFile(dotGit, 'utf8').catch(() => null);
  const named = /^gitdir: (.+?)\n*$/s.exec(file ?? '')?.[1];
  const safeName = relativeInside(name);
  const places = [
    named === undefined ? dotGit : resolve(root, path, named),
    ...(safeName === null ? [] : [join(commonDir, 'modules', safeName)]),
  ];
  for (const place of places) {
    if ((await stat(join(place, 'objects')).catch(() => null))?.isDirectory()) return place;
  }
  throw new QwexError({
    code: 'unsupported',
    message: `The submodule ${path} is not cloned in ${root}, and the run needs it (source.submodules).`,
    hint: 'Clone it once in the workspace: git submodule update --init --recursive',
  });
}

async function borrow(of: { source: string; target: string; sha: string; path: string }): Promise<void> {
  const { source, target, sha, path } = of;
  const known = await git({ cwd: source, args: ['cat-file', '-t', sha], accept: [0, 1, 128] });
  if (known.trim() !== 'commit') {
    throw new QwexError({
      code: 'unsupported',
      message: `Your clone of the submodule ${path} does not have commit ${sha.slice(0, 12)}, which the run needs.`,
      hint: 'Fetch it: git submodule update --init --recursive',
    });
  }
  await git({ cwd: target, args: ['clone', '--quiet', '--shared', '--no-checkout', '--', source, '.'] });
  await git({ cwd: target, args: ['checkout', '--quiet', '--detach', sha, '--'] });
}
