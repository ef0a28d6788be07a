import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Spaces } from '../../../daemon/spaces/index.ts';
import { Rig } from './rig.ts';

it('removes whatever a program left, and follows nothing out of the space', async () => {
  await using rig = Rig.withCommit({ tracked: '1' });
  rig.write({ 'precious/data': 'keep' });
  const { path } = await rig.spaces.create(rig.request({ links: ['precious'] }));
  rig.init(join(path, 'nested'));
  rig.commit({ x: '1' }, join(path, 'nested'));
  rig.write({ 'locked/deep/file': '1', 'none/file': '2', '-rf': '', 'new\nline': '' }, path);
  symlinkSync(rig.root, join(path, 'out'));
  symlinkSync('/nonexistent', join(path, 'dangling'));
  execFileSync('mkfifo', [join(path, 'fifo')]);
  chmodSync(join(path, 'locked/deep'), 0o555);
  chmodSync(join(path, 'locked'), 0o555);
  chmodSync(join(path, 'none'), 0o000);
  chmodSync(path, 0o000);
  await rig.spaces.remove(rig.request());
  expect(existsSync(path)).toBe(false);
  await rig.spaces.idle();
  expect(readdirSync(join(rig.folder, 'trash'))).toEqual([]);
  expect(existsSync(join(rig.root, 'precious/data'))).toBe(true);
  expect(rig.reports).toEqual([]);
  await rig.spaces.remove(rig.request());
});

it('removes the trees of an ordinary account that locked itself out', async () => {
  await using rig = Rig.withCommit();
  const tree = join(rig.folder, 'tree');
  rig.write({ 'a/b/file': '1', 'c/file': '2' }, tree);
  for (const path of ['a/b', 'a', 'c']) chmodSync(join(tree, path), 0o000);
  const code = `import { deleteTree } from ${JSON.stringify(new URL('../../../daemon/spaces/trash.ts', import.meta.url).href)}; await deleteTree(${JSON.stringify(tree)});`;
  const args = ['--input-type=module', '-e', code];
  if (process.getuid?.() === 0) {
    // Permissions don't stop root, but they do stop a root without its capabilities.
    execFileSync('setpriv', ['--bounding-set=-all', '--inh-caps=-all', process.execPath, ...args]);
  } else {
    execFileSync(process.execPath, args);
  }
  expect(existsSync(tree)).toBe(false);
});

it('does not believe a .git file that names the worktree of someone else', async () => {
  await using rig = Rig.withCommit();
  const users = join(rig.folder, 'users');
  rig.git(['worktree', 'add', '-q', '--detach', users]);
  const { path } = await rig.spaces.create(rig.request());
  writeFileSync(join(path, '.git'), `gitdir: ${join(rig.commonDir, 'worktrees/users')}\n`);
  await rig.spaces.remove(rig.request());
  const left = join(rig.folder, 'trash', 'left');
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, '.git'), `gitdir: ${join(rig.commonDir, 'worktrees/users')}\n`);
  await rig.spaces.emptyTrash();
  await rig.spaces.idle();
  expect(rig.git(['status', '--porcelain'], users)).toBe('');
  expect(rig.git(['worktree', 'list']).trim().split('\n')).toHaveLength(2);
});

it('removes a space that was replaced by a link, and one without a repository', async () => {
  await using rig = Rig.withCommit();
  const spaces = join(rig.folder, 'spaces');
  mkdirSync(spaces);
  symlinkSync(rig.root, join(spaces, 'run-1'));
  await rig.spaces.remove(rig.request());
  await rig.spaces.remove({ path: join(spaces, 'run-2'), commonDir: '/nonexistent' });
  await rig.spaces.idle();
  expect(lstatSync(rig.root).isDirectory()).toBe(true);
  expect(rig.git(['status', '--porcelain'])).toBe('');
  expect(readdirSync(spaces)).toEqual([]);
});

it('deletes at start what an earlier daemon had no time for', async () => {
  await using rig = Rig.withCommit();
  rig.write({ 'old/file': '', 'older/deep/file': '' }, join(rig.folder, 'trash'));
  writeFileSync(join(rig.folder, 'trash/plain'), '');
  await rig.spaces.emptyTrash();
  await rig.spaces.idle();
  expect(readdirSync(join(rig.folder, 'trash'))).toEqual([]);
  const never = new Spaces({ folder: join(rig.folder, 'never'), report: (line) => rig.reports.push(line) });
  await never.emptyTrash();
  expect(rig.reports).toEqual([]);
});
