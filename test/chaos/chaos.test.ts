// The short form of `npm run chaos`: one minute of it.
import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { runChaos } from './chaos.ts';
import { isClean, table } from './report.ts';

test('a minute of kill -9, cut connections and restarts: every acknowledged run runs exactly once', async () => {
  const report = await runChaos({ seed: 20_260, faults: 1000, seconds: 60 });
  expect(isClean(report), table(report)).toBe(true);
  expect(report.acknowledged).toBeGreaterThan(20);
  expect(report.faultCount).toBeGreaterThan(5);
  await rm(report.folder, { recursive: true, force: true });
}, 240_000);
