import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isLeftExpired, LEFT_TERM_MS } from '../../../daemon/artifacts/left.ts';
import { Rig } from './rig.ts';

const leftRequest = (rig: Rig, entries: string[]) => ({
  space: rig.space,
  entries,
  leftDir: join(rig.runDir, 'left'),
  ignorePatterns: ['__pycache__', '.pytest_cache'],
});

test('moves the entries as they are, without what nobody misses', async () => {
  await using rig = new Rig();
  rig.write('wandb/run-1/files/a', '123');
  rig.write('wandb/run-1/b', '4');
  rig.write('src/model.pt', 'weights');
  rig.write('src/__pycache__/x.pyc');
  rig.write('.pytest_cache/v');
  rig.write('.git', 'gitdir: x');
  rig.sh('ln -s /etc wandb/etc; mkfifo wandb/fifo; chmod 4755 wandb/run-1/b');
  const inode = fs.statSync(join(rig.space, 'wandb')).ino;
  const request = leftRequest(rig, [
    'wandb',
    'src/model.pt',
    'src/__pycache__',
    '.pytest_cache',
    '.git',
    'gone',
  ]);
  const { kept, skipped } = await rig.collector.keepLeft(request);
  expect(kept).toEqual([
    { path: 'src/model.pt', sizeBytes: 7, files: 1 },
    { path: 'wandb', sizeBytes: 4, files: 3 },
  ]);
  expect(skipped).toEqual([]);
  expect(fs.statSync(join(request.leftDir, 'wandb')).ino).toBe(inode);
  expect(fs.statSync(join(request.leftDir, 'wandb/run-1/b')).mode & 0o7777).toBe(0o755);
  expect(fs.readlinkSync(join(request.leftDir, 'wandb/etc'))).toBe('/etc');
  expect(fs.readdirSync(rig.space).sort()).toEqual(['.git', '.pytest_cache', 'src']);
});

test('names also what an interrupted attempt had moved, and merges', async () => {
  await using rig = new Rig();
  rig.write('lightning_logs/v0/a', '1');
  await rig.collector.keepLeft(leftRequest(rig, ['lightning_logs']));
  rig.write('model.pt', '22');
  expect((await rig.collector.keepLeft(leftRequest(rig, ['model.pt']))).kept).toEqual([
    { path: 'lightning_logs', sizeBytes: 1, files: 1 },
    { path: 'model.pt', sizeBytes: 2, files: 1 },
  ]);
  rig.write('lightning_logs/v0/b', '333');
  const { kept } = await rig.collector.keepLeft(leftRequest(rig, ['lightning_logs']));
  expect(kept[0]).toEqual({ path: 'lightning_logs', sizeBytes: 4, files: 2 });
  expect((await rig.collector.keepLeft(leftRequest(rig, []))).kept).toHaveLength(2);
});

test('follows no link on the way, and leaves the space by no path', async () => {
  await using rig = new Rig();
  fs.mkdirSync(join(rig.root, 'outside'));
  fs.writeFileSync(join(rig.root, 'outside/file'), 'x');
  fs.symlinkSync(join(rig.root, 'outside'), join(rig.space, 'way'));
  const { kept, skipped } = await rig.collector.keepLeft(leftRequest(rig, ['way/file']));
  expect([kept, skipped]).toEqual([[], [{ path: 'way', reason: 'symlinked_folder' }]]);
  expect(fs.readdirSync(join(rig.root, 'outside'))).toEqual(['file']);
  await expect(rig.collector.keepLeft(leftRequest(rig, ['../outside']))).rejects.toMatchObject({
    code: 'invalid_request',
  });
});

test('expires a term after the last thing came to it', async () => {
  await using rig = new Rig();
  const leftDir = join(rig.runDir, 'left');
  const nowMs = Date.now();
  expect(await isLeftExpired(leftDir, nowMs)).toBe(false);
  fs.mkdirSync(leftDir);
  expect(await isLeftExpired(leftDir, nowMs)).toBe(false);
  fs.utimesSync(leftDir, nowMs / 1000, (nowMs - LEFT_TERM_MS - 1000) / 1000);
  expect(await isLeftExpired(leftDir, nowMs)).toBe(true);
});
