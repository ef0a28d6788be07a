import { createHash } from 'node:crypto';
import { lstat, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodePath } from '../../../shared/byte-path.ts';
import type { Artifact } from '../../../shared/schemas/run.ts';
import { FakeDaemon } from '../fake-daemon.ts';
import { aRun, qwex } from '../rig.ts';

let folder: string;
let outside: string;
let daemon: FakeDaemon;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qwex-download-'));
  outside = await mkdtemp(join(tmpdir(), 'qwex-outside-'));
  daemon = await FakeDaemon.start();
});
afterEach(async () => {
  await daemon[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
  await rm(outside, { recursive: true });
});

const content = Buffer.from('model\u0000\u00ff');
const file = (path: string, changes: Partial<Artifact> = {}): Artifact => ({
  path,
  sizeBytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
  mode: 0o640,
  type: 'file',
  ...changes,
});
const link = (path: string, target: string): Artifact => ({
  path,
  sizeBytes: target.length,
  sha256: null,
  mode: 0o777,
  type: 'symlink',
  target,
});

/** `qwex artifacts @ --download` of these artifacts, each with the same content. */
async function download(artifacts: Artifact[], ...words: string[]) {
  const run = aRun();
  daemon
    .withRuns(run)
    .on(`GET /api/v1/runs/${run.id}/artifacts`, { json: { artifacts, skipped: [], left: [] } });
  for (const { path } of artifacts) {
    daemon.on(`GET /api/v1/runs/${run.id}/artifacts/${path}/url`, { json: { url: '/bytes', expires: 0 } });
  }
  daemon.on('GET /bytes', { bytes: content });
  return qwex({ home: daemon.home }, 'artifacts', '--download', folder, ...words);
}

describe('download', () => {
  test('keeps paths, bytes, modes, links and names of any bytes', async () => {
    const odd = encodePath(Buffer.from('caf\xe9', 'latin1'));
    const result = await download([
      link('out/latest', 'a/model.bin'),
      file('out/a/model.bin'),
      file('we\nird'),
      file(odd),
    ]);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(await readFile(join(folder, 'out/a/model.bin'))).toEqual(content);
    expect((await stat(join(folder, 'out/a/model.bin'))).mode & 0o777).toBe(0o640);
    expect(await readlink(join(folder, 'out/latest'))).toBe('a/model.bin');
    expect(await readFile(join(folder, 'we\nird'))).toEqual(content);
    const bytes = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from('caf\xe9', 'latin1')]);
    expect(await readFile(bytes)).toEqual(content);
  });

  test.each(['../x', 'a/../../x', '/etc/x', 'a//b', './x', 'a/.', 'nul\0x', ''])(
    'refuses the path %j',
    async (path) => {
      const result = await download([file(path)]);
      expect(result.code).toBe(2);
      expect(result.stderr).toContain('is not written');
      expect(await lstat(join(folder, 'x')).catch(() => null)).toBeNull();
    },
  );

  test('never writes through a symlink that lies in the folder', async () => {
    await symlink(outside, join(folder, 'out'));
    const result = await download([file('out/model.bin')], '--force');
    expect(result.code).toBe(2);
    expect(await lstat(join(outside, 'model.bin')).catch(() => null)).toBeNull();
  });

  test('a link of the same download cannot lead a file out', async () => {
    const result = await download([link('out', outside), file('out/model.bin')]);
    expect(result.code).toBe(2);
    expect(await lstat(join(outside, 'model.bin')).catch(() => null)).toBeNull();
  });

  test('replaces a symlink in the place of a file instead of writing to its target', async () => {
    await writeFile(join(outside, 'precious'), 'mine');
    await symlink(join(outside, 'precious'), join(folder, 'model.bin'));
    const result = await download([file('model.bin')], '--force');
    expect(result.code).toBe(0);
    expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('mine');
    expect(await readFile(join(folder, 'model.bin'))).toEqual(content);
  });

  test('refuses to overwrite, before it writes anything; --force does', async () => {
    await writeFile(join(folder, 'b'), 'mine');
    const refused = await download([file('a'), file('b')]);
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('--force');
    expect(await lstat(join(folder, 'a')).catch(() => null)).toBeNull();
    expect(await readFile(join(folder, 'b'), 'utf8')).toBe('mine');
    expect((await download([file('a'), file('b')], '--force')).code).toBe(0);
    expect(await readFile(join(folder, 'b'))).toEqual(content);
  });

  test('never replaces a folder', async () => {
    await mkdir(join(folder, 'a'));
    expect((await download([file('a')], '--force')).code).toBe(2);
    expect((await download([link('a', 'x')], '--force')).code).toBe(2);
  });

  test.each([{ sha256: '0'.repeat(64) }, { sizeBytes: 1 }])(
    'leaves nothing of a damaged file: %o',
    async (wrong) => {
      const result = await download([file('a', wrong)]);
      expect(result.code).toBe(70);
      expect(result.stderr).toContain('damaged');
      expect(await lstat(join(folder, 'a')).catch(() => null)).toBeNull();
    },
  );
});
