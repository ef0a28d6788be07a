// Where a user may stand when submitting, and what of the repository a run sees.
import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Rig } from '../rig/rig.ts';

test('in a subdirectory, the command starts in that directory of the checkout', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ 'deep/er/data.txt': 'content\n' });
  const id = await rig.ok(['run', '--', 'sh', '-c', 'pwd; cat data.txt'], { cwd: repo.path('deep/er') });
  const run = await rig.ended(id);
  expect(run).toMatchObject({ status: 'succeeded', subdir: 'deep/er', root: repo.root });
  const [cwd, content] = (await rig.runFile(id, 'logs', 'stdout.log')).split('\n');
  expect(cwd).toBe(`${rig.paths.spaces}/${id}/deep/er`);
  expect(content).toBe('content');
});

test('on a detached HEAD, its commit is what runs', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ version: '1' });
  const first = await repo.git('rev-parse', 'HEAD');
  await repo.commit({ version: '2' });
  await repo.git('checkout', '-q', '--detach', first);
  const id = await rig.submit(repo, '--', 'cat', 'version');
  expect((await rig.ended(id)).source.sha).toBe(first);
  expect(await rig.runFile(id, 'logs', 'stdout.log')).toBe('1');
});

test('from a linked worktree, its own commit runs', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ version: '1' });
  await repo.git('worktree', 'add', '-q', '-b', 'other', rig.path('linked'));
  await repo.commit({ version: '2' });
  const id = await rig.ok(['run', '--', 'cat', 'version'], { cwd: rig.path('linked') });
  expect((await rig.ended(id)).status).toBe('succeeded');
  expect(await rig.runFile(id, 'logs', 'stdout.log')).toBe('1');
});

test('where nothing can run, it is said why and what to do', async () => {
  await using rig = await Rig.start();
  const unborn = await rig.repo(null, 'unborn');
  await rig.shell('git init -q --bare bare; mkdir plain');
  const refused = async (cwd: string) => {
    const { code, stdout, stderr } = await rig.qwex(['run', '--', 'true'], { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: .*\nhint: .*\n$/);
    return stderr;
  };
  expect(await refused(unborn.root)).toMatch(/no commit .*\n.*git commit/);
  expect(await refused(rig.path('bare'))).toMatch(/bare repository/);
  expect(await refused(rig.path('plain'))).toMatch(/not inside a git repository.*\n.*git init/);
  expect(await refused(unborn.path('.git'))).toMatch(/\.git/);
  expect((await rig.client.list()).runs).toEqual([]);
});

test('what happens to the repository after the submit changes nothing about the run', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ version: 'before\n' });
  await repo.git('checkout', '-q', '-b', 'doomed');
  const sha = await repo.commit({ version: 'submitted\n' });
  const id = await rig.submit(repo, '--hold', '--', 'cat', 'version');
  await repo.git('checkout', '-q', 'main');
  await repo.git('branch', '-q', '-D', 'doomed');
  await repo.commit({ version: 'after\n' });
  await repo.git('reflog', 'expire', '--expire=now', '--all');
  await repo.git('gc', '-q', '--prune=now');
  await rig.ok(['release', id]);
  expect(await rig.ended(id)).toMatchObject({ status: 'succeeded', source: { sha } });
  expect(await rig.runFile(id, 'logs', 'stdout.log')).toBe('submitted\n');
  const again = await rig.ok(['rerun', id]);
  expect((await rig.ended(again)).status).toBe('succeeded');
  expect(await rig.runFile(again, 'logs', 'stdout.log')).toBe('submitted\n');
});

test('templates and config that are edited after the submit change nothing about the run', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({
    '.qwex/config.yaml': 'layers: { shout: {} }\n',
    '.qwex/templates/shout.sh.j2': 'echo before\n{{ inner }}\n',
  });
  const id = await rig.submit(repo, '--hold', '-r', 'shout', '--', 'echo', 'command');
  await repo.commit({
    '.qwex/config.yaml': 'name: renamed\n',
    '.qwex/templates/shout.sh.j2': 'echo after\n{{ inner }}\n',
  });
  await rig.ok(['release', id]);
  expect((await rig.ended(id)).status).toBe('succeeded');
  expect(await rig.runFile(id, 'logs', 'stdout.log')).toBe('before\ncommand\n');
  const again = await rig.ok(['rerun', id]);
  expect((await rig.ended(again)).jobId).toBe((await rig.client.get(id)).jobId);
  expect(await rig.runFile(again, 'logs', 'stdout.log')).toBe('before\ncommand\n');
});

test('a repository that is gone when the turn comes fails the run with a reason', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  await using other = await Rig.start({ daemon: false });
  const lost = await other.repo();
  const id = await rig.ok(['run', '--hold', '--', 'true'], { cwd: lost.root });
  await rm(lost.path('.git'), { recursive: true });
  await rig.ok(['release', id]);
  const run = await rig.ended(id);
  expect(run).toMatchObject({ status: 'failed', reason: 'prepare_failed', exitCode: null });
  expect(run.message).toContain(lost.root);
  const next = await rig.submit(repo, '--', 'true');
  expect((await rig.ended(next)).status).toBe('succeeded');
  await lost.git('init', '-q');
});

test('the home may be the .qwex folder of the workspace itself', async () => {
  await using rig = await Rig.start({ homeName: 'project/.qwex', config: null, daemon: false });
  const repo = await rig.repo(null);
  await repo.write({ file: 'content\n' });
  await repo.git('add', 'file');
  await repo.git('commit', '-q', '-m', 'Start');
  // Both have a config.yaml, so the user's own settings go elsewhere.
  await rig.ok(['config', 'set', 'slots', '2']);
  expect((await rig.daemon()).slots).toBe(2);
  const first = await rig.submit(repo, '--', 'cat', 'file');
  expect((await rig.ended(first)).status).toBe('succeeded');
  expect(await rig.runFile(first, 'logs', 'stdout.log')).toBe('content\n');
  // Nothing of the home may get into a commit: it holds environments and keys.
  const { source } = await rig.client.get(await rig.submit(repo, '--snapshot', '--hold', '--', 'true'));
  const files = (await repo.git('ls-tree', '-r', '--name-only', source.sha)).split('\n');
  expect(files).toEqual(['.qwex/.gitignore', 'file']);
});

test('links bring untracked folders into the run', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({
    '.gitignore': 'data\nmore\n',
    '.qwex/config.yaml': 'source: { links: [data] }\n',
  });
  await repo.write({ 'data/train.csv': 'rows\n', 'more/file': 'more\n' });
  const id = await rig.submit(repo, '--link', 'more', '--', 'sh', '-c', 'cat data/train.csv more/file');
  expect((await rig.ended(id)).status).toBe('succeeded');
  expect(await rig.runFile(id, 'logs', 'stdout.log')).toBe('rows\nmore\n');
  expect((await rig.shell(`cat ${repo.path('data/train.csv')}`)).stdout).toBe('rows\n');
});

test('a word of the command that git ignores gets a hint to link it', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ '.gitignore': 'data\n' });
  await repo.write({ 'data/train.csv': 'rows\n' });
  const first = await rig.qwex(['run', '--', 'cat', 'data/train.csv'], { cwd: repo.root });
  expect(first.stderr).toMatch(/warning: .*data\/train\.csv.*--link data/);
  expect(first.stderr).toMatch(/hint: ignored by git.*data/);
  expect((await rig.ended(first.stdout.trim())).status).toBe('failed');
  const second = await rig.qwex(['run', '--', 'true'], { cwd: repo.root });
  expect(second.stderr).toBe('');
});

test('submodules are checked out when the config says so, and missed with a warning else', async () => {
  await using rig = await Rig.start();
  const inner = await rig.repo({ file: 'inner\n' }, 'inner');
  const repo = await rig.repo();
  await repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.root, 'sub');
  await repo.commit();
  const without = await rig.qwex(['run', '--', 'cat', 'sub/file'], { cwd: repo.root });
  expect(without.stderr).toMatch(/warning: .*submodules/);
  expect((await rig.ended(without.stdout.trim())).status).toBe('failed');
  await repo.commit({ '.qwex/config.yaml': 'source: { submodules: true }\n' });
  const id = await rig.submit(repo, '--', 'cat', 'sub/file');
  expect(await rig.ended(id)).toMatchObject({ status: 'succeeded', message: null });
  expect(await rig.runFile(id, 'logs', 'stdout.log')).toBe('inner\n');
});
