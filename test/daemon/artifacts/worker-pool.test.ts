import * as fs from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { ArtifactCollector } from '../../../daemon/artifacts/collector.ts';
import { WorkerPool } from '../../../daemon/artifacts/worker-pool.ts';
import { Rig } from './rig.ts';

test('works as a bundle: the worker is a file of its own', async () => {
  await using rig = new Rig();
  const outfile = join(rig.root, 'artifact-worker.mjs');
  const entry = join(import.meta.dirname, '../../../daemon/artifacts/artifact-worker.ts');
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  rig.write('out/a', 'abc');
  const collector = new ArtifactCollector({ workerUrl: pathToFileURL(outfile) });
  const manifest = await collector.collect(rig.request());
  expect(manifest.totals.files).toBe(1);
  await collector.stop();
});

test('a worker that dies fails its request, and the next one gets another', async () => {
  await using rig = new Rig();
  const dying = join(rig.root, 'dying.mjs');
  fs.writeFileSync(
    dying,
    `import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => process.exit(3));`,
  );
  const pool = new WorkerPool({ workerUrl: pathToFileURL(dying), workers: 1 });
  const call = () => pool.call({ kind: 'inventory', request: { root: '/nonexistent' } });
  const results = await Promise.allSettled([call(), call()]);
  expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected']);
  expect(results.map((result) => String('reason' in result && result.reason))).toEqual([
    expect.stringContaining('ended with 3'),
    expect.stringContaining('ended with 3'),
  ]);
  await pool.stop();
  const missing = new WorkerPool({ workerUrl: pathToFileURL(join(rig.root, 'missing.mjs')) });
  await expect(missing.call({ kind: 'inventory', request: { root: '/' } })).rejects.toThrow(
    'Cannot find module',
  );
  await missing.stop();
});

test('stopping rejects what goes on and what waits, and can be said twice', async () => {
  await using rig = new Rig();
  const deaf = join(rig.root, 'deaf.mjs');
  fs.writeFileSync(
    deaf,
    `import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => undefined);`,
  );
  const pool = new WorkerPool({ workerUrl: pathToFileURL(deaf), workers: 1 });
  const calls = [1, 2].map(() => pool.call({ kind: 'inventory', request: { root: '/nonexistent' } }));
  const settled = Promise.allSettled(calls);
  await pool.stop();
  await pool.stop();
  expect((await settled).map((result) => result.status)).toEqual(['rejected', 'rejected']);
});

test('aborting one request leaves the others alone', async () => {
  await using rig = new Rig();
  rig.write('out/a', 'a');
  const pool = new WorkerPool({ workers: 1 });
  const abort = new AbortController();
  const first = pool.call({ kind: 'inventory', request: { root: rig.space }, signal: abort.signal });
  const second = pool.call({ kind: 'inventory', request: { root: rig.space } });
  abort.abort(new Error('enough'));
  await expect(first).rejects.toThrow('enough');
  expect((await second).artifacts).toHaveLength(1);
  await pool.stop();
});
