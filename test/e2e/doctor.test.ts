// qwex doctor: finds what is wrong, and the way out that it names is one.
import { appendFile, chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Check } from '../../shared/schemas/local.ts';
import { Rig } from '../rig/rig.ts';

async function findings(rig: Rig, cwd: string): Promise<Check[]> {
  const { stdout } = await rig.qwex(['doctor', '--json'], { cwd });
  const { data } = JSON.parse(stdout) as { data: { checks: Check[] } };
  return data.checks.filter(({ state }) => state !== 'ok');
}

test('it finds an index that was removed under the daemon, and what it says makes it whole', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const id = await rig.submit(repo, '--', 'true');
  await rig.ended(id);
  for (const suffix of ['', '-wal', '-shm']) await rm(rig.paths.database + suffix);
  const later = await rig.submit(repo, '--', 'true');
  await rig.ended(later);
  expect(await findings(rig, repo.root)).toEqual([
    {
      name: 'index',
      state: 'error',
      message: expect.stringContaining(rig.paths.database),
      hint: expect.any(String),
    },
  ]);
  await rig.ok(['doctor', '--rebuild']);
  expect(await findings(rig, repo.root)).toEqual([]);
  expect((await rig.client.list()).runs.map((run) => run.id)).toEqual([later, id]);
});

test('it finds run folders that are damaged, unknown or gone, and what is left over', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const ids: string[] = [];
  for (let at = 0; at < 5; at += 1) ids.push(await rig.submit(repo, 'true'));
  const folders = await Promise.all(ids.map(async (id) => (await rig.client.wait(id)).directory));
  const [unknown = '', damaged = '', gone = '', odd = ''] = folders;
  await rig.supervisorsGone();
  await rename(unknown, rig.path('elsewhere'));
  await rig.ok(['doctor', '--rebuild']);
  await rename(rig.path('elsewhere'), unknown);
  await writeFile(join(damaged, 'run.json'), 'garbage');
  await rm(gone, { recursive: true });
  await appendFile(join(odd, 'statuses.jsonl'), 'garbage\n');
  const stray = join(rig.paths.spaces, 'stray');
  await mkdir(stray);
  const space = join(rig.paths.spaces, ids[4] ?? '');
  await repo.git('worktree', 'add', '--detach', space);
  await rm(space, { recursive: true });
  await chmod(rig.paths.apiKey, 0o644);

  expect(await findings(rig, repo.root)).toEqual([
    {
      ...{ name: 'privacy', state: 'error', message: `open to others, or not yours: ${rig.paths.apiKey}` },
      hint: `chmod go= '${rig.paths.apiKey}'`,
    },
    {
      ...{ name: 'run folders', state: 'warning' },
      message: expect.stringContaining(`1 damaged: ${damaged}: its run.json is not JSON`),
      hint: expect.stringContaining('qwex doctor --rebuild'),
    },
    {
      ...{ name: 'run folders', state: 'warning', message: `1 not in the index: ${unknown}` },
      hint: expect.stringContaining('qwex doctor --rebuild'),
    },
    {
      ...{ name: 'run folders', state: 'warning' },
      message: `1 in the index and without a folder: ${ids[2]}`,
      hint: expect.stringContaining('qwex doctor --rebuild'),
    },
    {
      ...{ name: 'run folders', state: 'warning' },
      message: expect.stringContaining(`1 with a damaged history: ${odd}: line `),
      hint: expect.any(String),
    },
    {
      ...{ name: 'left over', state: 'warning', message: '1 × space' },
      hint: expect.stringContaining('qwex gc --force'),
    },
    {
      ...{ name: 'worktree entries', state: 'warning' },
      message: `1 in ${repo.root} of spaces that are gone`,
      hint: `git -C '${repo.root}' worktree prune`,
    },
  ]);

  await rig.ok(['doctor', '--rebuild']);
  await rig.ok(['gc', '--force']);
  await repo.git('worktree', 'prune');
  await chmod(rig.paths.apiKey, 0o600);
  expect((await findings(rig, repo.root)).map(({ message }) => message)).toEqual([
    expect.stringContaining(odd),
  ]);
  expect((await rig.client.list()).runs.map(({ id }) => id).sort()).toEqual(
    ids.filter((id) => id !== ids[2]).sort(),
  );
});

test('a daemon that can not start is a finding, with the reason and the way out', async () => {
  await using rig = await Rig.start({ daemon: false, config: 'sluts: 1' });
  const { code, stdout } = await rig.qwex(['doctor']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^error +daemon: the qwex daemon for .* did not start: .*sluts/);
  const { data } = JSON.parse((await rig.qwex(['doctor', '--json'])).stdout);
  expect(data.checks).toMatchObject([{ name: 'daemon', state: 'error' }]);
});

test('NODE_OPTIONS of the shell is told, and that it is the runs’ alone', async () => {
  await using rig = await Rig.start();
  const { stdout } = await rig.qwex(['doctor'], { env: { NODE_OPTIONS: '--no-warnings' } });
  expect(stdout).toMatch(/ok +NODE_OPTIONS: "--no-warnings" is for your own programs/);
  expect(stdout).toMatch(/ok +daemon: qwex \d/);
});
