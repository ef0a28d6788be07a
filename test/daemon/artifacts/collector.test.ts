import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { CollectProgress } from '../../../daemon/artifacts/collector.ts';
import { readManifest } from '../../../daemon/artifacts/manifest.ts';
import { openArtifact } from '../../../daemon/artifacts/open-artifact.ts';
import { Rig } from './rig.ts';

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');

test('moves watched files with their modes and times, and writes down what they are', async () => {
  await using rig = new Rig();
  rig.write('out/model.pth', 'weights');
  rig.write('out/deep/er/run.sh', '#!/bin/sh');
  rig.write('elsewhere/x', 'not watched');
  fs.chmodSync(join(rig.space, 'out/deep/er/run.sh'), 0o755);
  fs.chmodSync(join(rig.space, 'out/model.pth'), 0o640);
  fs.utimesSync(join(rig.space, 'out/model.pth'), 1_000_000_000, 1_000_000_000.5);
  fs.symlinkSync('../elsewhere/x', join(rig.space, 'out/link'));
  const inode = fs.statSync(join(rig.space, 'out/model.pth')).ino;

  const manifest = await rig.collector.collect(rig.request());

  expect(manifest).toEqual({
    version: 1,
    artifacts: [
      { path: 'out/deep/er/run.sh', sizeBytes: 9, sha256: sha256('#!/bin/sh'), mode: 0o755, type: 'file' },
      {
        path: 'out/link',
        sizeBytes: 14,
        sha256: null,
        mode: 0o777,
        type: 'symlink',
        target: '../elsewhere/x',
      },
      { path: 'out/model.pth', sizeBytes: 7, sha256: sha256('weights'), mode: 0o640, type: 'file' },
    ],
    skipped: [],
    totals: { files: 2, symlinks: 1, sizeBytes: 16, skipped: 0, ignored: 0, unchanged: 0 },
  });
  expect(await readManifest(rig.manifestFile)).toEqual(manifest);
  expect(fs.statSync(rig.manifestFile).mode & 0o777).toBe(0o600);
  const kept = fs.statSync(join(rig.filesDir, 'out/model.pth'));
  expect([kept.ino, kept.mtimeMs]).toEqual([inode, 1_000_000_000_500]);
  expect(fs.existsSync(join(rig.space, 'out/model.pth'))).toBe(false);
  expect(fs.existsSync(join(rig.space, 'elsewhere/x'))).toBe(true);
  expect(fs.readdirSync(rig.runDir).sort()).toEqual(['artifacts.json', 'files']);
});

test('leaves what is ignored, unchanged, too large or no file, and names what it skips', async () => {
  await using rig = new Rig();
  rig.write('out/keep.txt');
  rig.write('out/scratch.tmp');
  rig.write('out/__pycache__/a.pyc');
  rig.write('out/README', 'as committed');
  rig.write('out/big.bin', Buffer.alloc(11));
  rig.sh('mkfifo out/fifo; mkdir out/empty');
  const server = createServer().listen(join(rig.space, 'out/sock'));
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const manifest = await rig.collector.collect(
    rig.request({
      ignorePatterns: ['*.tmp', '__pycache__'],
      maxFileBytes: 10,
      unchanged: new Set(['out/README']),
    }),
  );
  expect(manifest.artifacts.map((each) => each.path)).toEqual(['out/keep.txt']);
  expect(manifest.skipped).toEqual([
    { path: 'out/big.bin', reason: 'too_large', sizeBytes: 11 },
    { path: 'out/fifo', reason: 'fifo' },
    { path: 'out/sock', reason: 'socket' },
  ]);
  expect(manifest.totals).toMatchObject({ ignored: 2, unchanged: 1, skipped: 3 });
  expect(fs.readdirSync(join(rig.filesDir, 'out'))).toEqual(['keep.txt']);
  expect(fs.readFileSync(join(rig.space, 'out/README'), 'utf8')).toBe('as committed');
});

test('nothing outside is followed, touched or read', async () => {
  await using rig = new Rig();
  const outside = join(rig.root, 'outside');
  fs.mkdirSync(join(outside, 'folder'), { recursive: true });
  fs.writeFileSync(join(outside, 'folder/secret'), 'secret');
  const link = (target: string, path: string) => fs.symlinkSync(target, join(rig.space, path));
  rig.write('out/a');
  link('/etc', 'out/etc');
  link('/etc/shadow', 'out/shadow');
  link(join(outside, 'folder'), 'out/folder');
  link('nowhere', 'out/dangling');
  link('loop2', 'out/loop1');
  link('loop1', 'out/loop2');
  link('.', 'out/self');
  link(join(outside, 'folder'), 'results');
  link(outside, 'way');
  const before = fs.statSync(join(outside, 'folder'));

  const manifest = await rig.collector.collect(
    rig.request({ watchDirectories: ['out', 'results', 'way/folder'] }),
  );

  expect(manifest.artifacts.map(({ path, type, target }) => [path, type, target])).toEqual([
    ['out/a', 'file', undefined],
    ['out/dangling', 'symlink', 'nowhere'],
    ['out/etc', 'symlink', '/etc'],
    ['out/folder', 'symlink', join(outside, 'folder')],
    ['out/loop1', 'symlink', 'loop2'],
    ['out/loop2', 'symlink', 'loop1'],
    ['out/self', 'symlink', '.'],
    ['out/shadow', 'symlink', '/etc/shadow'],
    ['results', 'symlink', join(outside, 'folder')],
  ]);
  expect(manifest.skipped).toEqual([{ path: 'way', reason: 'symlinked_folder' }]);
  expect(fs.readFileSync(join(outside, 'folder/secret'), 'utf8')).toBe('secret');
  expect(fs.statSync(join(outside, 'folder')).mtimeMs).toBe(before.mtimeMs);
});

test('a symlink that was kept is not a way out for what comes later', async () => {
  await using rig = new Rig();
  const outside = join(rig.root, 'outside');
  fs.mkdirSync(join(outside), { recursive: true });
  fs.mkdirSync(join(rig.filesDir, 'out'), { recursive: true });
  fs.symlinkSync(outside, join(rig.filesDir, 'out/sub'));
  rig.write('out/sub/planted');
  const manifest = await rig.collector.collect(rig.request());
  expect(fs.readdirSync(outside)).toEqual([]);
  expect(manifest.skipped).toEqual([{ path: 'out/sub/planted', reason: 'unreadable', detail: 'ENOTDIR' }]);
  expect(manifest.artifacts.map((each) => each.path)).toEqual(['out/sub']);
});

test('a fifo that took a place among what is kept is taken out and named', async () => {
  await using rig = new Rig();
  rig.write('out/a');
  await rig.collector.collect(rig.request());
  // As when it is swapped in at the moment of the move.
  execFileSync('mkfifo', [join(rig.filesDir, 'out/fifo')]);
  const manifest = await rig.collector.collect(rig.request());
  expect(manifest.skipped).toEqual([{ path: 'out/fifo', reason: 'fifo' }]);
  expect(fs.readdirSync(join(rig.filesDir, 'out'))).toEqual(['a']);
});

test('strange names stay what they are', async () => {
  await using rig = new Rig();
  const names = [
    'new\nline',
    'quo\'te"s',
    '-rf',
    '$(id) `x`',
    ' ',
    '\\',
    '\t\u{1b}[31m',
    'é',
    '%2e%2e',
    'a;b',
    '...',
  ];
  for (const name of names) rig.write(`out/${name}`, name);
  rig.write(Buffer.from([...Buffer.from('out/bad-'), 0xff, 0xfe]), 'bytes');
  const manifest = await rig.collector.collect(rig.request());
  const expected = [...names, 'bad-\u{10feff}\u{10fefe}'].map((name) => `out/${name}`);
  expect(manifest.artifacts.map((each) => each.path).sort()).toEqual(expected.sort());
  for (const { path, sha256: expectedHash } of manifest.artifacts) {
    const opened = await openArtifact(rig.filesDir, path);
    if (opened.type !== 'file') throw new Error(`${path} is no file`);
    expect(sha256(await opened.handle.readFile())).toBe(expectedHash);
    await opened.handle.close();
  }
});

test('setuid and setgid are dropped, files nobody can read are made readable to their owner', async () => {
  await using rig = new Rig();
  for (const name of ['suid', 'none', 'dir/inside']) rig.write(`out/${name}`, name);
  rig.sh(
    'chmod 6755 out/suid; chmod 0 out/none; chmod 2755 out/dir; chmod 4711 out/dir/inside; chmod 555 out',
  );
  const { artifacts } = await rig.collector.collect(rig.request());
  expect(artifacts.map(({ path, mode }) => [path, mode])).toEqual([
    ['out/dir/inside', 0o711],
    ['out/none', 0o400],
    ['out/suid', 0o755],
  ]);
  for (const { path, mode } of artifacts) {
    expect(fs.statSync(join(rig.filesDir, path)).mode & 0o7777).toBe(mode);
  }
  expect(fs.statSync(join(rig.filesDir, 'out/dir')).mode & 0o7000).toBe(0);
});

test('a file with a second name elsewhere is copied, names of one file stay names of one file', async () => {
  await using rig = new Rig();
  rig.write('cache/blob', 'cached');
  rig.write('out/model', 'model');
  rig.sh('ln cache/blob out/blob; ln out/model out/best; chmod 4755 cache/blob');
  const { artifacts } = await rig.collector.collect(rig.request());
  expect(artifacts.map((each) => each.path)).toEqual(['out/best', 'out/blob', 'out/model']);
  fs.writeFileSync(join(rig.space, 'cache/blob'), 'changed later');
  expect(fs.readFileSync(join(rig.filesDir, 'out/blob'), 'utf8')).toBe('cached');
  expect(fs.statSync(join(rig.space, 'cache/blob')).nlink).toBe(1);
  const [best, model] = ['best', 'model'].map((name) => fs.statSync(join(rig.filesDir, 'out', name)).ino);
  expect(best).toBe(model);
});

test('goes on after a crash in the middle: what was kept stays, what was not is kept now', async () => {
  await using rig = new Rig();
  rig.write('out/one', '1');
  rig.write('out/sub/two', '2');
  await rig.collector.collect(rig.request());
  fs.rmSync(rig.manifestFile);
  fs.mkdirSync(join(rig.runDir, 'files.partial'));
  fs.writeFileSync(join(rig.runDir, 'files.partial/half'), 'half a copy');
  rig.write('out/sub/three', '3');
  const manifest = await rig.collector.collect(rig.request());
  expect(manifest.artifacts.map(({ path, sha256: hash }) => [path, hash])).toEqual([
    ['out/one', sha256('1')],
    ['out/sub/three', sha256('3')],
    ['out/sub/two', sha256('2')],
  ]);
  expect(fs.readdirSync(rig.runDir).sort()).toEqual(['artifacts.json', 'files']);
  fs.rmSync(rig.space, { recursive: true });
  expect(await rig.collector.collect(rig.request())).toEqual(manifest);
});

test('a watched path may be one file, everything, or not there; never outside', async () => {
  await using rig = new Rig();
  rig.write('metrics.json', '{}');
  rig.write('.git', 'gitdir: elsewhere');
  rig.write('src/main.py');
  const one = await rig.collector.collect(
    rig.request({ watchDirectories: ['./metrics.json', 'nope', 'src/x/y'] }),
  );
  expect(one.artifacts.map((each) => each.path)).toEqual(['metrics.json']);
  const all = await rig.collector.collect(
    rig.request({ watchDirectories: ['.'], unchanged: new Set(['src/main.py']) }),
  );
  expect(all.artifacts.map((each) => each.path)).toEqual(['metrics.json']);
  expect(fs.readdirSync(rig.space).sort()).toEqual(['.git', 'src']);
  for (const path of ['/etc', '../x', 'out/../../x', 'a\0b']) {
    await expect(rig.collector.collect(rig.request({ watchDirectories: [path] }))).rejects.toMatchObject({
      code: 'invalid_config',
    });
  }
});

test('a run that wrote nothing gets an empty manifest', async () => {
  await using rig = new Rig();
  const manifest = await rig.collector.collect(rig.request());
  expect(manifest.artifacts).toEqual([]);
  expect(await readManifest(rig.manifestFile)).toEqual(manifest);
  expect(await readManifest(join(rig.root, 'none.json'))).toBeNull();
  fs.writeFileSync(rig.manifestFile, '{"version":1');
  await expect(readManifest(rig.manifestFile)).rejects.toMatchObject({ code: 'internal' });
});

test('deep trees are kept down to the limit and named below it', async () => {
  await using rig = new Rig();
  const deep = Array.from({ length: 150 }, (_, index) => `folder-number-${index}-with-a-long-name`).join('/');
  rig.sh(
    `d=out; mkdir out; cd -P out; for i in $(seq 0 149); do mkdir folder-number-$i-with-a-long-name; cd -P folder-number-$i-with-a-long-name; done; echo x > leaf`,
  );
  rig.sh('mkdir -p pit; cd -P pit; for i in $(seq 1 250); do mkdir d; cd -P d; done; echo x > leaf');
  const manifest = await rig.collector.collect(rig.request({ watchDirectories: ['out', 'pit'] }));
  expect(manifest.artifacts.map((each) => each.path)).toEqual([`out/${deep}/leaf`]);
  expect(manifest.skipped.map((each) => each.reason)).toEqual(['too_deep']);
  const opened = await openArtifact(rig.filesDir, `out/${deep}/leaf`);
  expect(opened).toMatchObject({ type: 'file', sizeBytes: 2 });
  if (opened.type === 'file') await opened.handle.close();
});

test('many small files are shared out among the workers, and each is listed once', async () => {
  await using rig = new Rig({ workers: 3 });
  for (let at = 0; at < 200; at++) rig.write(`out/${at % 7}/${at}`, String(at));
  const { artifacts } = await rig.collector.collect(rig.request());
  expect(artifacts).toHaveLength(200);
  expect(new Set(artifacts.map(({ path }) => path)).size).toBe(200);
});

test('large files are hashed by several workers, and progress reaches the total', async () => {
  await using rig = new Rig({ workers: 2 });
  const contents = [1, 2, 3].map((fill) => Buffer.alloc(3 * 1024 * 1024 + fill, fill));
  for (const [index, content] of contents.entries()) rig.write(`out/large${index}`, content);
  rig.write('out/small', 's');
  rig.write('out/exact', Buffer.alloc(1024 * 1024, 9));
  const seen: CollectProgress[] = [];
  const manifest = await rig.collector.collect(
    rig.request({ onProgress: (progress) => seen.push(progress) }),
  );
  const hashes = manifest.artifacts.map((each) => each.sha256);
  expect(hashes).toEqual([Buffer.alloc(1024 * 1024, 9), ...contents, 's'].map(sha256));
  const last = seen.at(-1);
  expect(last).toEqual({
    hashedFiles: 5,
    totalFiles: 5,
    hashedBytes: manifest.totals.sizeBytes,
    totalBytes: manifest.totals.sizeBytes,
  });
});

test('an aborted collection stops, and can be done again', async () => {
  await using rig = new Rig();
  rig.write('out/a', 'a');
  const abort = new AbortController();
  abort.abort(new Error('told to stop'));
  await expect(rig.collector.collect(rig.request({ signal: abort.signal }))).rejects.toThrow('told to stop');
  expect(fs.existsSync(rig.manifestFile)).toBe(false);
  const manifest = await rig.collector.collect(rig.request());
  expect(manifest.totals.files).toBe(1);
});
