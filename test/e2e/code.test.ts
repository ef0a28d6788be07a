// Getting the code of a run back: checkout, diff, rerun, gc.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DiffResponse, GcResponse } from '../../shared/schemas/local.ts';
import { Rig } from '../rig/rig.ts';

test('checkout makes a worktree at the commit of a run and prints where', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ version: 'one\n' });
  const id = await rig.submit(repo, '--', 'true');
  await rig.ended(id);
  await repo.commit({ version: 'two\n' });
  const beside = await rig.ok(['checkout', id], { cwd: repo.root });
  expect(beside).toBe(`${repo.root}-${id.slice(-8)}`);
  expect(await readFile(join(beside, 'version'), 'utf8')).toBe('one\n');
  // As the user's own git would make it, and not as the daemon keeps its files.
  const modes = await Promise.all(
    [beside, join(beside, 'version')].map(async (path) => (await stat(path)).mode),
  );
  expect(modes.map((mode) => mode & 0o777)).toEqual([0o777 & ~process.umask(), 0o666 & ~process.umask()]);
  expect(await rig.ok(['checkout', '@', 'old code'], { cwd: rig.folder })).toBe(rig.path('old code'));
  const again = await rig.qwex(['checkout', id], { cwd: repo.root });
  expect(again.code).toBe(5);
  expect(again.stderr).toContain(beside);
  await repo.git('worktree', 'remove', beside);
});

test('checkout of a run in a subdirectory, from anywhere', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ 'sub/file': 'x\n' });
  const id = await rig.ok(['run', '--', 'true'], { cwd: repo.path('sub') });
  await rig.ended(id);
  const where = await rig.ok(['checkout', id, rig.path('there')], { cwd: '/' });
  expect(await readFile(join(where, 'sub/file'), 'utf8')).toBe('x\n');
});

test('diff shows what differs: command, resources, code', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ 'train.py': 'lr = 1\n' });
  const a = await rig.submit(repo, '--name', 'a', '--', 'echo', 'a');
  await repo.commit({ 'train.py': 'lr = 2\n' });
  const b = await rig.submit(repo, '--name', 'b', '--time', '1h', '--', 'echo', 'b');
  await Promise.all([rig.ended(a), rig.ended(b)]);
  const text = await rig.ok(['diff', 'a', 'b']);
  expect(text).toContain('-lr = 1\n+lr = 2');
  expect(text).toMatch(/- echo a\n\+ echo b/);
  const { fields, patch, truncated } = await rig.json<DiffResponse>(['diff', a, b]);
  expect(fields).toContainEqual({ name: 'time limit', a: null, b: '1h' });
  expect(patch).toContain('+lr = 2');
  expect(truncated).toBe(false);
  expect(await rig.ok(['diff', 'a', 'a'])).toContain('the same job');
});

test('rerun is a new run of the same job, in the environment of now', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ '.qwex/config.yaml': 'env: { SET: config }\n' });
  const id = await rig.ok(['run', '--env', 'GIVEN', '--', 'sh', '-c', 'echo "$SET $GIVEN $FREE"'], {
    cwd: repo.root,
    env: { GIVEN: 'first', FREE: 'first' },
  });
  await rig.ended(id);
  const refused = await rig.qwex(['rerun', id]);
  expect(refused.code).toBe(5);
  expect(refused.stderr).toContain('GIVEN');
  const { code, stdout } = await rig.qwex(['rerun', '-f', id], { env: { GIVEN: 'second', FREE: 'second' } });
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'config second second\n' });
  const [again, first] = [await rig.client.get('@'), await rig.client.get(id)];
  expect(again.id).not.toBe(first.id);
  expect(again.jobId).toBe(first.jobId);
});

test('the script of a run folder runs by hand, and an archive of it is complete', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ file: 'content\n' });
  const id = await rig.submit(repo, '--', 'sh', '-c', 'cat file; echo "$0 $1"', 'a b', "it's");
  const run = await rig.ended(id);
  const byHand = await rig.shell(`${run.directory}/script.sh`, { cwd: repo.root });
  expect(byHand).toMatchObject({ code: 0, stdout: "content\na b it's\n" });
  expect(await rig.runFile(id, 'logs/stdout.log')).toBe(byHand.stdout);
  const list = await rig.shell(`tar -C ${run.directory} -czf run.tgz . && tar -tzf run.tgz | sort`);
  for (const name of ['run.json', 'script.sh', 'sources.json', 'statuses.jsonl', 'meta/exit_code'])
    expect(list.stdout).toContain(`./${name}\n`);
  const statuses = (await rig.runFile(id, 'statuses.jsonl')).trimEnd().split('\n');
  expect(statuses.map((line) => JSON.parse(line).event)).toEqual([
    'run.submitted',
    'run.claimed',
    'run.started',
    'run.exited',
    'run.succeeded',
  ]);
});

test('gc tells what could go, and removes it only when forced', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const old = await rig.submit(repo, '--', 'true');
  const { directory, source } = await rig.ended(old);
  await repo.commit({ more: 'x' });
  const running = await rig.program();
  const kept = await rig.submit(repo, '--', ...running.command);
  await running.started();
  expect(await rig.qwex(['gc'])).toMatchObject({ code: 0, stderr: 'nothing to remove\n' });
  const dry = await rig.json<GcResponse>(['gc', '--older-than', '0s']);
  expect(dry.items.map(({ kind }) => kind)).toEqual(['run', 'pinned commit']);
  expect((await rig.client.get(old)).status).toBe('succeeded');
  expect((await rig.qwex(['gc', '--older-than', '0s'])).stderr).toContain('qwex gc --force');
  const forced = await rig.json<GcResponse>(['gc', '--older-than', '0s', '--force']);
  expect(forced.items.map(({ kind }) => kind)).toEqual(['run', 'pinned commit']);
  expect((await rig.qwex(['status', old])).code).toBe(3);
  expect((await rig.shell(`ls ${directory}`)).code).toBe(2);
  const refs = await repo.git('for-each-ref', '--format=%(refname)', 'refs/qwex');
  expect(refs).not.toContain(source.sha);
  expect(refs).toContain((await rig.client.get(kept)).source.sha);
  await running.exit(0);
  expect((await rig.ended(kept)).status).toBe('succeeded');
});
