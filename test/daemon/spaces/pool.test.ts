// The pool itself: what a kill -9 leaves of it, how much it keeps, and for how long.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, openSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Spaces } from '../../../daemon/spaces/index.ts';
import { committed, expectFresh, giveBack } from './fresh.ts';
import { Rig } from './rig.ts';

const DAY_MS = 24 * 3600_000;
const spaceOf = (rig: Rig, name: string) => join(rig.folder, 'spaces', name);
const worktrees = (rig: Rig) => rig.git(['worktree', 'list', '--porcelain']).match(/^worktree .*$/gm) ?? [];
const poolOf = (rig: Rig) =>
  readdirSync(join(rig.folder, 'pool'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.split('/').length === 2 && !name.endsWith('/repository'),
  );

/** Another daemon that uses a space twice, and is killed at a named transition. */
async function killedAt(rig: Rig, point: string): Promise<string> {
  const module = new URL('../../../daemon/spaces/index.ts', import.meta.url).href;
  const options = `{ folder: ${JSON.stringify(join(rig.folder, 'trash'))}, report: console.error,
    pool: { folder: ${JSON.stringify(join(rig.folder, 'pool'))}, most: () => 2 } }`;
  const script = `
    import { writeFileSync } from 'node:fs';
    import { ${Spaces.name} } from ${JSON.stringify(module)};
    const spaces = new Spaces(${options});
    await spaces.emptyTrash();
    for (const request of ${JSON.stringify(['run-1', 'run-2'].map((name) => rig.request({ path: spaceOf(rig, name) })))}) {
      const { path } = await spaces.create(request);
      writeFileSync(path + '/pkg/new', '');
      writeFileSync(path + '/main.py', 'changed');
      await spaces.inspect(request, []);
      await spaces.giveBack(request);
      await spaces.idle();
    }
  `;
  const log = openSync(join(rig.folder, 'killed.log'), 'w');
  const env = { ...process.env, QWEX_TEST_FAULT: point };
  const args = ['--input-type=module', '-e', script];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', log, log] });
  const [, signal] = await once(child, 'exit');
  expect(readFileSync(join(rig.folder, 'killed.log'), 'utf8')).toBe('');
  return signal;
}

it.each([
  'space_claimed',
  'space_taken',
  'space_named:2',
  'space_given_back',
  'space_given_back:2',
  'space_cleaned',
  'space_pooled',
  'space_pooled:2',
])('a daemon that is killed at %s leaves nothing that is used', async (point) => {
  await using rig = committed();
  expect(await killedAt(rig, point)).toBe('SIGKILL');
  await rig.spaces.emptyTrash();
  expect(rig.spaces.waiting).toHaveLength(0);
  expect(poolOf(rig)).toHaveLength(0);
  // As whoever takes on the runs of a dead daemon does.
  for (const name of ['run-1', 'run-2']) await rig.spaces.remove({ ...rig, path: spaceOf(rig, name) });
  expect(worktrees(rig)).toEqual([`worktree ${rig.root}`]);
  expect(readdirSync(join(rig.commonDir, 'worktrees'))).toEqual([]);
  const { path } = await rig.spaces.create(rig.request());
  expectFresh(rig, path, rig.head());
  await rig.spaces.remove({ ...rig, path });
  await rig.spaces.idle();
  expect(readdirSync(join(rig.folder, 'trash'))).toEqual([]);
  expect(rig.reports).toEqual([]);
});

it('waits for the next daemon too', async () => {
  await using rig = committed();
  const request = rig.request();
  const { path } = await rig.spaces.create(request);
  await giveBack(rig, path);
  const next = rig.daemon();
  await next.emptyTrash();
  const [waiting] = next.waiting;
  expect(waiting).toEqual(rig.spaces.waiting[0]);
  const { ino } = lstatSync(waiting?.path ?? '');
  await next.create(request);
  expectFresh(rig, path, rig.head());
  expect(lstatSync(path).ino).toBe(ino);
});

it('is locked in the repository, with the reason, whatever its owner prunes', async () => {
  await using rig = committed();
  const { path } = await rig.spaces.create(rig.request());
  await giveBack(rig, path);
  const waiting = rig.spaces.waiting[0]?.path ?? '';
  expect(rig.git(['worktree', 'list', '--porcelain'])).toContain(
    `worktree ${waiting}\nHEAD ${rig.head()}\ndetached\nlocked kept by qwex for the next run`,
  );
  renameSync(waiting, `${waiting}.away`);
  rig.git(['worktree', 'prune', '--expire=now']);
  renameSync(`${waiting}.away`, waiting);
  expect(worktrees(rig)).toHaveLength(2);
});

it('keeps as many as runs go on at once, and gives each to one run', async () => {
  await using rig = committed();
  const paths = Array.from({ length: 5 }, (_, at) => spaceOf(rig, `run-${at}`));
  for (const round of [1, 2]) {
    await Promise.all(paths.map((path) => rig.spaces.create(rig.request({ path }))));
    expect(new Set(paths.map((path) => lstatSync(path).ino)).size, `round ${round}`).toBe(5);
    expect(rig.spaces.waiting).toEqual([]);
    expectFresh(rig, paths[0] ?? '', rig.head());
    expectFresh(rig, paths[4] ?? '', rig.head());
    await Promise.all(paths.map((path) => giveBack(rig, path)));
    expect(rig.spaces.waiting).toHaveLength(2);
    expect(worktrees(rig)).toHaveLength(3);
  }
});

it('is waited for while it is being cleaned, rather than made anew', async () => {
  await using rig = committed();
  const located = { path: spaceOf(rig, 'run-1'), commonDir: rig.commonDir };
  await rig.spaces.create(rig.request());
  await rig.spaces.inspect(located, []);
  const { ino } = lstatSync(join(located.path, 'main.py'));
  await rig.spaces.giveBack(located);
  expect(existsSync(located.path)).toBe(false);
  const next = spaceOf(rig, 'run-2');
  await rig.spaces.create(rig.request({ path: next }));
  expect(lstatSync(join(next, 'main.py')).ino).toBe(ino);
  expectFresh(rig, next, rig.head());
});

it('is given up after days, when it is asked to, and with its repository', async () => {
  await using rig = committed();
  const { path } = await rig.spaces.create(rig.request());
  await giveBack(rig, path);
  await rig.spaces.expire(Date.now() + 2 * DAY_MS);
  expect(rig.spaces.waiting).toHaveLength(1);
  await rig.spaces.expire(Date.now() + 4 * DAY_MS);
  expect([rig.spaces.waiting, poolOf(rig)]).toEqual([[], []]);
  expect(worktrees(rig)).toHaveLength(1);
  await rig.spaces.create(rig.request());
  await giveBack(rig, path);
  await rig.spaces.giveUp(rig.spaces.waiting[0]?.path ?? '');
  expect([rig.spaces.waiting, poolOf(rig)]).toEqual([[], []]);
  await rig.spaces.create(rig.request());
  await giveBack(rig, path);
  renameSync(rig.root, join(rig.folder, 'moved'));
  const next = rig.daemon();
  await next.emptyTrash();
  await next.idle();
  expect([next.waiting, readdirSync(join(rig.folder, 'pool'))]).toEqual([[], []]);
});

it('is told from the record alone what a program added', async () => {
  await using rig = Rig.withCommit({ 'out/old': 'o', main: '1', 'd\n"ü': '3' });
  rig.write({ 'data/x': '', 'deep/er/x': '' });
  const { path } = await rig.spaces.create(
    rig.request({ links: ['data', 'deep/er'], folders: ['out', 'res'] }),
  );
  rig.write({ 'wandb/run/a': '', 'out/new': '', 'deep/mine': '', 'res/ult': '', 'ä/ö': '' }, path);
  const seen = await rig.spaces.inspect({ ...rig, path }, ['out', '.']);
  expect(seen.added.sort()).toEqual(['wandb/', 'out/new', 'deep/mine', 'res/', 'ä/'].sort());
  expect([...seen.unchanged].sort()).toEqual(['d\n"ü', 'main', 'out/old']);
  expect(seen.changed).toEqual([]);
  expect([...(await rig.spaces.inspect({ ...rig, path }, ['out'])).unchanged]).toEqual(['out/old']);
});
