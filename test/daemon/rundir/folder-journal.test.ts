import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HomeRig } from './rig.ts';

/** The home as a daemon that was killed leaves it, opened by the next one. */
async function afterCrash(rig: HomeRig): Promise<HomeRig> {
  rig.store.close();
  const next = new HomeRig(rig.paths.home);
  await next.written();
  return next;
}

const history = async (rig: HomeRig, id: string): Promise<string> =>
  readFile(join(rig.directory(id), 'statuses.jsonl'), 'utf8');

test('what was committed and not written when the daemon died is written by the next one, once', async () => {
  await using rig = new HomeRig();
  const run = rig.in('running');
  await rig.written();
  const whole = await history(rig, run.id);
  const lines = whole.split(/(?<=\n)/);
  await rig.rewrite(run.id, { phase: 'preparing' });
  await writeFile(join(rig.directory(run.id), 'statuses.jsonl'), lines.slice(0, -1).join(''));
  await using next = await afterCrash(rig);
  expect(await next.json(run.id)).toMatchObject({ phase: 'running' });
  expect(await history(next, run.id)).toBe(whole);
  await using again = await afterCrash(next);
  expect(await history(again, run.id)).toBe(whole);
});

test('a line that was torn keeps its place, and the whole one follows it', async () => {
  await using rig = new HomeRig();
  const run = rig.in('running');
  await rig.written();
  const whole = await history(rig, run.id);
  await writeFile(join(rig.directory(run.id), 'statuses.jsonl'), whole.slice(0, -20));
  await using next = await afterCrash(rig);
  const last = whole.trimEnd().split('\n').at(-1);
  expect((await history(next, run.id)).trimEnd().split('\n').at(-1)).toBe(last);
});

test('a folder that was never made is made', async () => {
  await using rig = new HomeRig();
  const { id } = rig.submit();
  await rig.written();
  await rm(rig.directory(id), { recursive: true });
  await using next = await afterCrash(rig);
  expect((await readdir(next.directory(id))).sort()).toEqual([
    'run.json',
    'script.sh',
    'sources.json',
    'statuses.jsonl',
  ]);
});

test('a folder that somebody has removed stays away', async () => {
  await using rig = new HomeRig();
  const { id } = rig.in('running');
  await rig.written();
  rig.store.requestCancel(id);
  await rig.written();
  await rm(rig.directory(id), { recursive: true });
  await using next = await afterCrash(rig);
  expect(next.faults).toEqual([]);
  await expect(readdir(next.directory(id))).rejects.toThrow('ENOENT');
});

test('half-written files of the daemon that died go', async () => {
  await using rig = new HomeRig();
  const run = rig.in('running');
  await rig.written();
  for (const name of ['run.json.tmp-12', 'supervise.sh.34']) await rig.put(run.id, name, 'half');
  await using next = await afterCrash(rig);
  const names = await readdir(next.directory(run.id));
  expect(names.filter((name) => /tmp|sh\./.test(name))).toEqual([]);
});
