import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FileWatch } from '../../../daemon/logs/file-watch.ts';

test('when the system can watch no more, it says so once and a timer gives the hints', async () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'qwex-watch-'));
  const hinted = Promise.withResolvers<void>();
  const degraded: string[] = [];
  const exhausted = () => {
    throw Object.assign(new Error('ENOSPC: no watches left'), { code: 'ENOSPC' });
  };
  const watch = new FileWatch({
    file: join(folder, 'log'),
    onHint: hinted.resolve,
    onDegraded: (error) => degraded.push(error.message),
    fallbackMs: 5,
    watchPath: exhausted,
  });
  await hinted.promise;
  watch.close();
  expect(degraded).toEqual(['ENOSPC: no watches left']);
  fs.rmSync(folder, { recursive: true });
});

test('a folder that is made, removed and made again is watched again', async () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'qwex-watch-'));
  const file = join(folder, 'logs/log');
  const hinted = Promise.withResolvers<void>();
  const watch = new FileWatch({
    file,
    onHint: hinted.resolve,
    onDegraded: (error) => hinted.reject(error),
    fallbackMs: 1_000_000,
  });
  fs.mkdirSync(join(folder, 'logs'));
  fs.rmSync(join(folder, 'logs'), { recursive: true });
  fs.mkdirSync(join(folder, 'logs'));
  fs.writeFileSync(file, 'x');
  await hinted.promise;
  watch.close();
  fs.rmSync(folder, { recursive: true });
});
