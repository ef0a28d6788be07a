import { lstat, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { keepFresh } from '../../../daemon/house/fresh-local.ts';

const LONG_AGO = new Date('2026-01-01');
const FILES = [
  'daemon.lock',
  'box/wake/a.wake',
  'runs/going-on/supervisor.lock',
  'runs/over/supervisor.lock',
];

async function local(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'qwex-local-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const path of FILES) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), '');
    await utimes(join(folder, path), LONG_AGO, LONG_AGO);
  }
  return folder;
}

const looked = (folder: string) =>
  Promise.all(FILES.map(async (path) => (await lstat(join(folder, path))).atime > LONG_AGO));

test('what is needed below /tmp looks used, without looking changed; what is over may be cleared away', async () => {
  const folder = await local();
  const runs = [join(folder, 'runs/going-on'), join(folder, 'runs/just-gone')];
  await keepFresh({ local: folder, localReason: 'network_home' }, () => runs);
  expect(await looked(folder)).toEqual([true, true, true, false]);
  for (const path of FILES) expect((await lstat(join(folder, path))).mtime).toEqual(LONG_AGO);
});

test('in a home that carries its own locks nothing is done', async () => {
  const folder = await local();
  await keepFresh({ local: folder, localReason: null }, () => [join(folder, 'runs/going-on')]);
  expect(await looked(folder)).toEqual([false, false, false, false]);
});
