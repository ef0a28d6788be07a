// What the user may expect in a run and won't find there. Only looks and suggests; a failure to guess is no error.

import { lstat, readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { git, splitNul } from './git.ts';

const MAX_CANDIDATES = 200;

export interface MissingPath {
  /** The word of the command that names it. */
  word: string;
  /** From the root, with slashes. */
  path: string;
  /** Ignored by git; otherwise untracked. */
  ignored: boolean;
  /** The topmost part of `path` that the commit doesn't have: what `--link` would take. */
  link: string;
}

/** Ignored entries at the top of the workspace (`data`, `.venv`), sorted. */
export async function ignoredTopLevel(root: string): Promise<string[]> {
  const names = (await readdir(root)).filter((name) => name !== '.git');
  return (await ignoredAmong(root, names)).sort();
}

/** The words that name something which exists here and isn't in the commit. `subdir` is where the command runs. */
export async function missingFromCommit(of: {
  root: string;
  sha: string;
  subdir: string;
  words: string[];
}): Promise<MissingPath[]> {
  const named = await existing(of.root, candidates(of.subdir, of.words));
  if (named.length === 0) return [];
  const prefixes = new Set(named.flatMap(({ path }) => prefixesOf(path)));
  const listing = await git({
    cwd: of.root,
    args: ['ls-tree', '-z', '-t', '--full-tree', '--name-only', of.sha, '--', ...prefixes],
  });
  const committed = new Set(splitNul(listing));
  const missing = named.filter(({ path }) => !committed.has(path));
  const ignored = new Set(
    await ignoredAmong(
      of.root,
      missing.map(({ path }) => path),
    ),
  );
  return missing.map(({ word, path }) => ({
    word,
    path,
    ignored: ignored.has(path),
    link: prefixesOf(path).find((prefix) => !committed.has(prefix)) ?? path,
  }));
}

interface Candidate {
  word: string;
  path: string;
}

// A word is tried whole, after its first "=", and split where shells and lists split.
function candidates(subdir: string, words: string[]): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const word of words) {
    const pieces = word.split(/[\s'"`;|&()<>,:=]+/);
    const parts = [word, word.slice(word.indexOf('=') + 1), ...pieces];
    for (const part of parts) {
      const path = insideWorkspace(subdir, part);
      if (path !== null && !found.has(path)) found.set(path, { word, path });
    }
    if (found.size >= MAX_CANDIDATES) break;
  }
  return [...found.values()].slice(0, MAX_CANDIDATES);
}

// An absolute path means the same file in the run as here: nothing is missing there.
function insideWorkspace(subdir: string, part: string): string | null {
  if (part === '' || part.length > 4096 || part.includes('\0') || part.startsWith('/')) return null;
  const path = posix.join(subdir, part).replace(/\/+$/, '');
  const outside = path === '..' || path.startsWith('../');
  return outside || path === '.' || path === '' || path.split('/').includes('.git') ? null : path;
}

async function existing(root: string, named: Candidate[]): Promise<Candidate[]> {
  const there = await Promise.all(
    named.map(({ path }) =>
      lstat(join(root, path)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return named.filter((_, at) => there[at]);
}

function prefixesOf(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
}

// Exit code 1 is "none of them". Paths beyond a symlink can't be asked about (128): they count as not ignored.
async function ignoredAmong(root: string, paths: string[]): Promise<string[]> {
  if (paths.length === 0) return [];
  const input = paths.map((path) => `./${path}\0`).join('');
  const args = ['check-ignore', '-z', '--stdin'];
  const answer = splitNul(await git({ cwd: root, args, input, accept: [0, 1, 128] }));
  return answer.map((path) => path.slice(2));
}
