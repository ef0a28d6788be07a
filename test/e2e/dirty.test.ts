import { readFile, rm, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { Repository } from '../rig/repository.ts';
import { Rig } from '../rig/rig.ts';

const COMMITTED = {
  'changed.txt': 'old\n',
  'deleted.txt': 'x\n',
  'staged.txt': 'old\n',
  '.gitignore': 'no/\n',
};

async function makeDirty(repo: Repository): Promise<void> {
  await repo.write({ 'staged.txt': 'staged\n' });
  await repo.git('add', 'staged.txt');
  await repo.write({
    'changed.txt': 'new\n',
    'new file.txt': 'untracked\n',
    'no/ignored.txt': 'ignored\n',
    'exec.sh': '#!/bin/sh\n',
  });
  await rm(repo.path('deleted.txt'));
}

test('a dirty tree is refused with the list and both ways out', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo(COMMITTED);
  await makeDirty(repo);
  const { code, stdout, stderr } = await rig.qwex(['run', '--', 'true'], { cwd: repo.root });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/modified: changed\.txt/);
  expect(stderr).toMatch(/deleted: deleted\.txt/);
  expect(stderr).toMatch(/staged\.txt/);
  expect(stderr).toContain('git commit');
  expect(stderr).toContain('--snapshot');
  expect((await rig.client.list()).runs).toEqual([]);
  const json = await rig.qwex(['run', '--json', '--', 'true'], { cwd: repo.root });
  expect(JSON.parse(json.stdout)).toMatchObject({ schema_version: 1, error: { code: 'dirty_tree' } });
});

test('a snapshot runs the tree as it is, and leaves index, tree and branch alone', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo(COMMITTED);
  await makeDirty(repo);
  const look = async () => ({
    status: await repo.git('status', '--porcelain=v2', '--branch', '--ignored'),
    staged: await repo.git('diff', '--cached'),
    branches: await repo.git('for-each-ref', 'refs/heads'),
    stash: await repo.git('stash', 'list'),
  });
  const before = await look();
  const index = await readFile(repo.path('.git/index'));
  const script = 'cat changed.txt staged.txt "new file.txt"; ls deleted.txt no 2>&1';
  const { code, stdout, stderr } = await rig.qwex(['run', '--snapshot', '--', 'sh', '-c', script], {
    cwd: repo.root,
  });
  expect(code, stderr).toBe(0);
  expect(await readFile(repo.path('.git/index'))).toEqual(index);
  expect(await look()).toEqual(before);
  const run = await rig.ended(stdout.trim());
  const output = await rig.runFile(run.id, 'logs', 'stdout.log');
  expect(output).toMatch(/^new\nstaged\nuntracked\n.*deleted\.txt.*\n.*no.*\n$/s);
  const head = await repo.git('rev-parse', 'HEAD');
  expect(run.source.sha).not.toBe(head);
  expect(await repo.git('rev-parse', `${run.source.sha}^`)).toBe(head);
  expect(run.notes.join()).toContain('snapshot');
});

test('the same state is the same snapshot; a clean tree needs none', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo(COMMITTED);
  const head = await repo.git('rev-parse', 'HEAD');
  const clean = await rig.submit(repo, '--snapshot', '--hold', '--', 'true');
  expect((await rig.client.get(clean)).source.sha).toBe(head);
  await writeFile(repo.path('changed.txt'), 'new\n');
  const one = await rig.client.get(await rig.submit(repo, '--snapshot', '--hold', '--', 'true'));
  const two = await rig.client.get(await rig.submit(repo, '--snapshot', '--hold', '--', 'true'));
  expect(one.source.sha).not.toBe(head);
  expect(await repo.git('rev-parse', `${one.source.sha}^{tree}`)).toBe(
    await repo.git('rev-parse', `${two.source.sha}^{tree}`),
  );
});

test('a snapshot survives git gc for as long as its run may need it', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo(COMMITTED);
  await makeDirty(repo);
  const id = await rig.submit(repo, '--snapshot', '--hold', '--', 'cat', 'new file.txt');
  await repo.git('checkout', '-q', '--', '.');
  await repo.git('gc', '-q', '--prune=now');
  await rig.ok(['release', id]);
  expect((await rig.ended(id)).status).toBe('succeeded');
  expect(await rig.runFile(id, 'logs', 'stdout.log')).toBe('untracked\n');
});

test('dirty: snapshot in the config makes it the rule', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ ...COMMITTED, '.qwex/config.yaml': 'source: { dirty: snapshot }\n' });
  await repo.write({ 'changed.txt': 'new\n' });
  const { code, stdout, stderr } = await rig.qwex(['run', '--', 'cat', 'changed.txt'], { cwd: repo.root });
  expect(code).toBe(0);
  expect(stderr).toContain('snapshot');
  expect((await rig.ended(stdout.trim())).exitCode).toBe(0);
  expect(await rig.runFile(stdout.trim(), 'logs', 'stdout.log')).toBe('new\n');
});

test('untracked files are named in a warning, or refused when the config says so', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo(COMMITTED);
  await repo.write({ 'forgot.py': 'x\n', 'new\nline': 'x\n' });
  const warned = await rig.qwex(['run', '--', 'ls'], { cwd: repo.root });
  expect(warned.code).toBe(0);
  expect(warned.stderr).toMatch(/warning: .*\n {2}forgot\.py\n/);
  expect(warned.stderr).toContain('"new\\nline"');
  expect((await rig.ended(warned.stdout.trim())).exitCode).toBe(0);
  expect(await rig.runFile(warned.stdout.trim(), 'logs', 'stdout.log')).not.toContain('forgot.py');
  await repo.write({ '.qwex/config.yaml': 'source: { untracked: refuse }\n' });
  await repo.git('add', '.qwex');
  await repo.git('commit', '-q', '-m', 'Refuse');
  const refused = await rig.qwex(['run', '--', 'ls'], { cwd: repo.root });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/forgot\.py/);
});
