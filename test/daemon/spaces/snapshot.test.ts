import { readFileSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { preflight, Spaces, snapshot } from '../../../daemon/spaces/index.ts';
import { looksLikeSecret } from '../../../daemon/spaces/secrets.ts';
import { Rig } from './rig.ts';

const of = (rig: Rig) => ({ root: rig.root, gitDir: rig.commonDir, sha: rig.head() });
const files = (rig: Rig, sha: string) =>
  rig.git(['ls-tree', '-r', '-z', '--name-only', sha]).split('\0').filter(Boolean).sort();

it('holds modified, staged, new and deleted files, not the ignored ones, and leaves the user alone', async () => {
  await using rig = Rig.withCommit({ a: '1', gone: 'x', 'sub/b': '2', '.gitignore': 'data/\n' });
  rig.write({ a: 'changed', 'new/file': 'n', 'data/big': 'no', staged: 's' });
  rig.git(['add', 'staged']);
  rmSync(join(rig.root, 'gone'));
  const index = readFileSync(join(rig.commonDir, 'index'));
  const status = rig.git(['status', '--porcelain']);
  const { sha, paths, warnings } = await snapshot(of(rig));
  expect(files(rig, sha)).toEqual(['.gitignore', 'a', 'new/file', 'staged', 'sub/b']);
  expect(rig.git(['show', `${sha}:a`])).toBe('changed');
  expect(rig.git(['rev-parse', `${sha}^`]).trim()).toBe(rig.head());
  expect([...paths].sort()).toEqual(['a', 'gone', 'new/file', 'staged']);
  expect(warnings).toEqual([]);
  expect(readFileSync(join(rig.commonDir, 'index')).equals(index)).toBe(true);
  expect(rig.git(['status', '--porcelain'])).toBe(status);
});

it('is the same commit for the same tree, and the parent for a clean one', async () => {
  await using rig = Rig.withCommit();
  expect((await snapshot(of(rig))).sha).toBe(rig.head());
  rig.write({ 'a.txt': 'two', n: '3' });
  const first = await snapshot(of(rig));
  expect((await snapshot(of(rig))).sha).toBe(first.sha);
  rig.write({ n: '4' });
  expect((await snapshot(of(rig))).sha).not.toBe(first.sha);
});

it('notices an edit of the same size right after git add', async () => {
  await using rig = Rig.withCommit({ a: 'aaaa' });
  for (const text of ['bbbb', 'cccc', 'dddd']) {
    rig.git(['add', '-A']);
    rig.write({ a: text });
    expect(rig.git(['show', `${(await snapshot(of(rig))).sha}:a`])).toBe(text);
  }
});

it('copes with files that became folders and folders that became links', async () => {
  await using rig = Rig.withCommit({ file: '1', 'dir/inner': '2', other: '3' });
  rmSync(join(rig.root, 'file'));
  rig.write({ 'file/now': 'a folder' });
  rmSync(join(rig.root, 'dir'), { recursive: true });
  symlinkSync('file', join(rig.root, 'dir'));
  expect(files(rig, (await snapshot(of(rig))).sha)).toEqual(['dir', 'file/now', 'other']);
});

it('reads a split index, and leaves that alone too', async () => {
  await using rig = Rig.withCommit({ a: '1', b: '2' });
  rig.git(['update-index', '--split-index']);
  rig.write({ b: '3', c: '4' });
  rig.git(['add', 'c']);
  const index = readFileSync(join(rig.commonDir, 'index'));
  expect(files(rig, (await snapshot(of(rig))).sha)).toEqual(['a', 'b', 'c']);
  expect(readFileSync(join(rig.commonDir, 'index')).equals(index)).toBe(true);
});

it('holds all files when there is no index yet', async () => {
  await using rig = Rig.withCommit({ a: '1', b: '2' });
  rmSync(join(rig.commonDir, 'index'));
  rig.write({ b: '3' });
  const { sha } = await snapshot(of(rig));
  expect(files(rig, sha)).toEqual(['a', 'b']);
  expect(rig.git(['show', `${sha}:b`])).toBe('3');
});

it('works from a linked worktree, on its own index', async () => {
  await using rig = Rig.withCommit();
  const linked = join(rig.folder, 'linked');
  rig.git(['worktree', 'add', '-q', '--detach', linked]);
  rig.write({ here: '1' }, linked);
  const { root, gitDir, sha } = await preflight(linked);
  expect(files(rig, (await snapshot({ root, gitDir, sha })).sha)).toEqual(['a.txt', 'here']);
});

it('leaves nested repositories out and says so, with and without commits in them', async () => {
  await using rig = Rig.withCommit();
  rig.init(join(rig.root, 'empty'));
  rig.init(join(rig.root, 'deep/nested'));
  rig.commit({ x: '1' }, join(rig.root, 'deep/nested'));
  rig.write({ 'deep/kept': '1' });
  const { sha, warnings } = await snapshot(of(rig));
  expect(files(rig, sha)).toEqual(['a.txt', 'deep/kept']);
  expect(warnings.join()).toMatch(/inside the repository.*deep\/nested/);
});

it('refuses too much new content before reading it, and names the biggest files', async () => {
  await using rig = Rig.withCommit();
  rig.write({ 'small.txt': '1', 'big.bin': '', 'bigger.bin': '' });
  truncateSync(join(rig.root, 'big.bin'), 60_000_000);
  truncateSync(join(rig.root, 'bigger.bin'), 5_000_000_000);
  const error = expect(snapshot(of(rig))).rejects;
  await error.toMatchObject({ code: 'too_large', hint: expect.stringContaining('.gitignore') });
  await error.toThrow(/5060\.0 MB.*100\.0 MB[\s\S]*5000\.0 MB {2}bigger\.bin\n {2}60\.0 MB {2}big\.bin/);
  rmSync(join(rig.root, 'bigger.bin'));
  await expect(snapshot({ ...of(rig), maxNewBytes: 1000 })).rejects.toMatchObject({ code: 'too_large' });
});

it('warns of files that look like secrets', async () => {
  await using rig = Rig.withCommit();
  rig.write({ 'conf/.env': 'K=1', 'code.py': '' });
  expect((await snapshot(of(rig))).warnings.join()).toMatch(/look like secrets: conf\/\.env\. Add/);
  const secret = [
    '.env',
    'a/.env.prod',
    'x.pem',
    'k/id_rsa',
    'tls.KEY',
    'credentials.json',
    '.netrc',
    'secrets.yaml',
  ];
  const harmless = ['.env.example', 'id_rsa.pub', 'environment.yml', 'keys.py', 'credentials.py', 'pem'];
  expect(secret.filter((path) => !looksLikeSecret(path))).toEqual([]);
  expect(harmless.filter(looksLikeSecret)).toEqual([]);
});

it('brings any file name and content through a snapshot into a space', async () => {
  await using rig = Rig.withCommit();
  const unit = fc.constantFrom('a', '-', ' ', '\n', '"', "'", '\\', 'ü', '💾', '*', '[', ':', '!', '$', '\t');
  const part = fc.string({ unit, maxLength: 12 }).map((text) => `${text}x`);
  const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => `t/${parts.join('/')}`);
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(path, { minLength: 1, maxLength: 5 }), async (paths) => {
      fc.pre(!paths.some((one) => paths.some((other) => other.startsWith(`${one}/`))));
      rmSync(join(rig.root, 't'), { recursive: true, force: true });
      rig.write(Object.fromEntries(paths.map((name) => [name, `content of ${name}`])));
      const { sha, paths: reported } = await snapshot(of(rig));
      expect([...reported].sort()).toEqual([...paths].sort());
      const spaces = new Spaces({
        folder: join(rig.folder, 'trash'),
        report: (line) => rig.reports.push(line),
      });
      const request = rig.request({ sha, path: join(rig.folder, 'spaces', `r${round++}`) });
      const space = await spaces.create(request);
      for (const name of paths)
        expect(readFileSync(join(space.path, name), 'utf8')).toBe(`content of ${name}`);
      await spaces.remove(request);
      await spaces.idle();
    }),
    { numRuns: 20 },
  );
  expect(rig.reports).toEqual([]);
});
