import { execFileSync } from 'node:child_process';
import { chownSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { lfsPointers, lfsWarning, preflight, requireClean } from '../../../daemon/spaces/index.ts';
import { Rig } from './rig.ts';

afterEach(() => vi.unstubAllEnvs());

describe('preflight', () => {
  it('describes a clean repository from a subfolder', async () => {
    await using rig = Rig.withCommit({ 'src/deep/a.py': 'x' });
    expect(await preflight(join(rig.root, 'src/deep'))).toEqual({
      root: rig.root,
      gitDir: rig.commonDir,
      commonDir: rig.commonDir,
      subdir: 'src/deep',
      sha: rig.head(),
      branch: 'main',
      dirty: [],
      untracked: [],
      shallow: false,
      submodules: false,
    });
  });

  it('names every kind of change, and untracked folders as one entry each', async () => {
    await using rig = Rig.withCommit({ mod: '1', gone: '2', kind: '3', 'with space': '4' });
    rig.write({ mod: 'changed', 'with space': 'x', staged: 'new', 'lots/1': '', 'lots/2': '', loose: '' });
    rmSync(join(rig.root, 'gone'));
    rmSync(join(rig.root, 'kind'));
    symlinkSync('mod', join(rig.root, 'kind'));
    rig.git(['add', 'staged']);
    const { dirty, untracked } = await preflight(rig.root);
    expect(Object.fromEntries(dirty.map(({ path, kind }) => [path, kind]))).toEqual({
      mod: 'modified',
      gone: 'deleted',
      kind: 'type changed',
      'with space': 'modified',
      staged: 'added',
    });
    expect(untracked.sort()).toEqual(['loose', 'lots/']);
  });

  it('sees merge conflicts', async () => {
    await using rig = Rig.withCommit({ a: '1\n' });
    rig.git(['checkout', '-q', '-b', 'other']);
    rig.commit({ a: '2\n' });
    rig.git(['checkout', '-q', 'main']);
    rig.commit({ a: '3\n' });
    expect(() => rig.git(['merge', 'other'])).toThrow();
    expect((await preflight(rig.root)).dirty).toEqual([{ path: 'a', kind: 'unmerged' }]);
  });

  it('works with a detached HEAD, in a linked worktree and in a shallow clone', async () => {
    await using rig = Rig.withCommit();
    rig.commit({ b: '2' });
    const linked = join(rig.folder, 'linked');
    rig.git(['worktree', 'add', '-q', '--detach', linked]);
    expect(await preflight(linked)).toMatchObject({
      root: linked,
      branch: null,
      commonDir: rig.commonDir,
      gitDir: join(rig.commonDir, 'worktrees/linked'),
    });
    const shallow = join(rig.folder, 'shallow');
    rig.git(['clone', '-q', '--depth=1', `file://${rig.root}`, shallow], rig.folder);
    expect(await preflight(shallow)).toMatchObject({ shallow: true, sha: rig.head() });
  });

  it('keeps odd folder names whole', async () => {
    await using rig = new Rig();
    const odd = join(rig.folder, 'new\nline "q" --qwex-separator ü');
    rig.init(odd);
    rig.commit({ '-dash\n/x': '1' }, odd);
    expect(await preflight(join(odd, '-dash\n'))).toMatchObject({ root: odd, subdir: '-dash\n' });
  });

  it('ignores the GIT_ variables of whoever started the daemon', async () => {
    await using rig = Rig.withCommit();
    for (const name of ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'EDITOR', 'PAGER', 'PREFIX']) {
      vi.stubEnv(name, '/nonexistent');
    }
    expect((await preflight(rig.root)).root).toBe(rig.root);
  });

  it('writes nothing to the index, even where git would refresh it', async () => {
    await using rig = Rig.withCommit({ a: '1' });
    execFileSync('touch', ['-d', '2001-01-01', join(rig.root, 'a')]);
    const index = join(rig.commonDir, 'index');
    const before = readFileSync(index);
    await preflight(rig.root);
    expect(readFileSync(index).equals(before)).toBe(true);
  });

  it('runs no fsmonitor and no hook', async () => {
    await using rig = Rig.withCommit();
    const trace = join(rig.folder, 'ran');
    const program = join(rig.folder, 'program');
    writeFileSync(program, `#!/bin/sh\ntouch ${trace}\n`, { mode: 0o755 });
    rig.git(['config', 'core.fsmonitor', program]);
    await preflight(rig.root);
    expect(lstatSync(trace, { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe('preflight refuses', () => {
  it('a folder outside of any repository', async () => {
    await using rig = new Rig();
    await expect(preflight(rig.folder)).rejects.toMatchObject({
      code: 'not_a_workspace',
      message: expect.stringContaining('not inside a git repository'),
      hint: expect.stringContaining('git init'),
    });
  });

  it('a repository without a commit', async () => {
    await using rig = new Rig();
    rig.init();
    await expect(preflight(rig.root)).rejects.toMatchObject({
      code: 'not_a_workspace',
      message: expect.stringContaining('no commit on main yet'),
    });
  });

  it('a bare repository and the inside of a .git folder', async () => {
    await using rig = Rig.withCommit();
    const bare = join(rig.folder, 'bare.git');
    rig.git(['clone', '-q', '--bare', rig.root, bare], rig.folder);
    await expect(preflight(bare)).rejects.toThrow(/bare repository/);
    await expect(preflight(join(rig.commonDir, 'refs'))).rejects.toThrow(/inside the \.git folder/);
  });

  it('a folder that is gone, and a file', async () => {
    await using rig = Rig.withCommit();
    await expect(preflight(join(rig.root, 'nope'))).rejects.toThrow(/does not exist/);
    await expect(preflight(join(rig.root, 'a.txt'))).rejects.toMatchObject({ code: 'not_a_workspace' });
  });

  it('a linked worktree whose repository is gone', async () => {
    await using rig = Rig.withCommit();
    const linked = join(rig.folder, 'linked');
    rig.git(['worktree', 'add', '-q', '--detach', linked]);
    rmSync(rig.root, { recursive: true });
    await expect(preflight(linked)).rejects.toThrow(/linked worktree whose repository is gone/);
  });

  it('a machine without git', async () => {
    await using rig = Rig.withCommit();
    vi.stubEnv('PATH', rig.folder);
    await expect(preflight(rig.root)).rejects.toMatchObject({
      code: 'unsupported',
      hint: expect.stringContaining('Install git'),
    });
  });

  // Only root can give a folder away; for others the refusal is made by the environment that git offers for it.
  it('a repository of another account, with the way to trust it', async () => {
    await using rig = Rig.withCommit();
    vi.stubEnv('HOME', rig.folder);
    if (process.getuid?.() === 0) {
      chownSync(rig.root, 12345, 12345);
      chownSync(rig.commonDir, 12345, 12345);
      await expect(preflight(rig.root)).rejects.toMatchObject({
        code: 'unsupported',
        hint: `If you trust it: git config --global --add safe.directory ${rig.root}`,
      });
    }
    writeFileSync(join(rig.folder, '.gitconfig'), `[safe]\n\tdirectory = ${rig.root}\n`);
    expect((await preflight(rig.root)).root).toBe(rig.root);
  });
});

describe('a dirty tree', () => {
  it('is refused with a bounded list and both ways out', () => {
    const dirty = Array.from({ length: 13 }, (_, n) => ({ path: `f${n}`, kind: 'modified' as const }));
    expect(() => requireClean({ root: '/w', dirty: [] })).not.toThrow();
    const refuse = () => requireClean({ root: '/w', dirty });
    expect(refuse).toThrow(/13 changes[\s\S]*modified: f9\n {2}and 3 more$/);
    const hint = expect.stringMatching(/commit.*--snapshot/i);
    expect(refuse).toThrow(expect.objectContaining({ code: 'dirty_tree', hint }));
  });

  it('cannot write on the terminal through a file name', () => {
    const dirty = [{ path: 'a\u001b[2J\nb', kind: 'added' as const }];
    expect(() => requireClean({ root: '/w', dirty })).toThrow('added: "a\\u001b[2J\\nb"');
  });
});

describe('Git LFS', () => {
  it('is warned of when files are pointers', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n';
    await using rig = Rig.withCommit({ 'model.bin': pointer, 'real.bin': 'content', 'x.txt': pointer });
    const at = { root: rig.root, commonDir: rig.commonDir };
    expect(await lfsPointers(at)).toEqual([]);
    rig.commit({ '.gitattributes': '*.bin filter=lfs -text\n' });
    expect(await lfsPointers(at)).toEqual(['model.bin']);
    expect(lfsWarning(['model.bin', 'b'])).toMatch(/^model\.bin and 1 more: Git LFS pointers.*git lfs pull/);
    expect(lfsWarning([])).toBeNull();
  });
});

it('a submodule that moved is dirty, as a submodule', async () => {
  await using rig = Rig.withCommit();
  const other = join(rig.folder, 'other');
  rig.init(other);
  rig.commit({ x: '1' }, other);
  rig.git(['submodule', '--quiet', 'add', other, 'lib']);
  rig.git(['commit', '-q', '-m', 'sub']);
  mkdirSync(join(rig.root, 'lib/untracked'));
  expect(await preflight(rig.root)).toMatchObject({ submodules: true, dirty: [] });
  rig.commit({ x: '2' }, join(rig.root, 'lib'));
  expect((await preflight(rig.root)).dirty).toEqual([{ path: 'lib', kind: 'submodule' }]);
});
