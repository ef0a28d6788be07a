// Everything that a program could see of a tree, as data that two trees can be compared by.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Rig } from './rig.ts';

/** Path → type, mode, owner, links, content. Times and the `.git` file are left out: they always differ. */
export function treeOf(top: string): Record<string, string> {
  const tree: Record<string, string> = {};
  const visit = (path: string): void => {
    const whole = join(top, path);
    const stat = lstatSync(whole);
    const isFolder = stat.isDirectory();
    const links = isFolder ? '' : stat.nlink;
    const content = isFolder
      ? ''
      : stat.isSymbolicLink()
        ? readlinkSync(whole)
        : createHash('sha256').update(readFileSync(whole)).digest('hex');
    // Of the top itself the mode is ours, and tested elsewhere.
    const mode = path === '' ? '' : stat.mode.toString(8);
    tree[path] = [mode, stat.uid, stat.gid, links, content].join(' ');
    if (!isFolder) return;
    for (const name of readdirSync(whole)) if (join(path, name) !== '.git') visit(join(path, name));
  };
  visit('');
  return { ...tree, ...attributesOf(top) };
}

/** Extended attributes and access lists, which Node can't read. */
function attributesOf(top: string): Record<string, string> {
  const script = `
import os, sys
for folder, folders, files in os.walk(sys.argv[1]):
    for path in [folder] + [os.path.join(folder, name) for name in files]:
        for name in os.listxattr(path, follow_symlinks=False):
            print('xattr', os.path.relpath(path, sys.argv[1]), name)
`;
  const lines = execFileSync('python3', ['-c', script, top], { encoding: 'utf8' }).split('\n');
  return Object.fromEntries(lines.filter((line) => line !== '').map((line) => [line, 'there']));
}

/** What git says in a worktree, without any refresh of its index that would hide something. */
export function gitStateOf(rig: Rig, top: string): Record<string, string> {
  const entry = rig.git(['rev-parse', '--path-format=absolute', '--git-dir'], top).trim();
  const git = (...args: string[]) => rig.git(args, top);
  const known = readdirSync(entry, { recursive: true, encoding: 'utf8' });
  return {
    entry: known
      .filter((name) => !name.startsWith('qwex-'))
      .sort()
      .join(),
    head: readFileSync(join(entry, 'HEAD'), 'utf8'),
    original: readFileSync(join(entry, 'ORIG_HEAD'), 'utf8'),
    log: readFileSync(join(entry, 'logs', 'HEAD'), 'utf8').replace(/^(\w+ \w+).*$/gm, '$1'),
    index: git('ls-files', '-z', '--stage', '-v', '-t'),
    unstaged: git('diff-files'),
    status: git('status', '--porcelain=v2', '--branch', '--ignored', '--untracked-files=all'),
  };
}
