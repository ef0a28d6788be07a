import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkoutCommit, diffCommits, preflight, Spaces } from '../../../daemon/spaces/index.ts';
import { Rig } from './rig.ts';

const worktrees = (rig: Rig) => rig.git(['worktree', 'list', '--porcelain']).match(/^worktree .*$/gm) ?? [];

/** A git filter that stops the checkout in its middle until the test writes to the fifo. */
function blockingFilter(rig: Rig): { started: Promise<unknown>; release: () => Promise<void> } {
  const fifos = ['started', 'gate'].map((name) => join(rig.folder, name));
  execFileSync('mkfifo', fifos);
  const [started = '', gate = ''] = fifos;
  rig.git(['config', 'filter.block.smudge', `echo x > '${started}'; cat '${gate}' > /dev/null; cat`]);
  return {
    started: open(started, 'r').then((file) => file.readFile().finally(() => file.close())),
    release: async () => (await open(gate, 'w')).close(),
  };
}

describe('a space', () => {
  it('is the commit, detached, private, locked, with the run at its subfolder', async () => {
    await using rig = Rig.withCommit({ 'sub/a': '1', top: '2' });
    const sha = rig.head();
    rig.commit({ top: 'later' });
    rig.write({ top: 'dirty' });
    const space = await rig.spaces.create(rig.request({ sha, subdir: 'sub' }));
    expect(space).toEqual({
      path: join(rig.folder, 'spaces/run-1'),
      cwd: join(space.path, 'sub'),
      linked: [],
      warnings: [],
    });
    expect(readFileSync(join(space.path, 'top'), 'utf8')).toBe('2');
    expect(rig.git(['status', '--porcelain', '--branch'], space.path)).toBe('## HEAD (no branch)\n');
    expect(rig.head(space.path)).toBe(sha);
    expect(lstatSync(space.path).mode & 0o777).toBe(0o700);
    expect(lstatSync(join(rig.folder, 'spaces')).mode & 0o777).toBe(0o700);
    expect(rig.git(['worktree', 'list', '--porcelain'])).toContain('locked in use by qwex run run-1');
    rig.git(['worktree', 'prune']);
    expect(worktrees(rig)).toContain(`worktree ${space.path}`);
    await rig.spaces.remove(rig.request());
    expect(worktrees(rig)).toEqual([`worktree ${rig.root}`]);
    expect(existsSync(space.path)).toBe(false);
  });

  it('runs no hook, and needs neither the branch nor the working tree it was submitted from', async () => {
    await using rig = Rig.withCommit();
    const linked = join(rig.folder, 'linked');
    rig.git(['worktree', 'add', '-q', '--detach', linked]);
    const sha = rig.commit({ only: 'there' }, linked);
    const { commonDir } = await preflight(linked);
    rig.git(['worktree', 'remove', linked]);
    mkdirSync(join(rig.commonDir, 'hooks'), { recursive: true });
    const hook = `#!/bin/sh\ntouch ${rig.folder}/hooked\n`;
    writeFileSync(join(rig.commonDir, 'hooks/post-checkout'), hook, { mode: 0o755 });
    const space = await rig.spaces.create(rig.request({ root: linked, commonDir, sha, links: ['data'] }));
    expect(readFileSync(join(space.path, 'only'), 'utf8')).toBe('there');
    expect(space.warnings.join()).toMatch(/data does not exist/);
    expect(existsSync(join(rig.folder, 'hooked'))).toBe(false);
  });

  it('is refused when the commit lacks the subfolder, or has something else there', async () => {
    await using rig = Rig.withCommit({ file: '1' });
    symlinkSync(rig.folder, join(rig.root, 'out'));
    rig.git(['add', 'out']);
    rig.git(['commit', '-q', '-m', 'link']);
    for (const subdir of ['gone/deep', 'file', 'out']) {
      await expect(rig.spaces.create(rig.request({ subdir }))).rejects.toThrow(/not in commit/);
    }
    expect(worktrees(rig)).toHaveLength(1);
    expect(readdirSync(join(rig.folder, 'spaces'))).toEqual([]);
  });

  it('of a sparse checkout is as sparse, with a warning', async () => {
    await using rig = Rig.withCommit({ 'in/a': '1', 'out/b': '2' });
    rig.git(['sparse-checkout', 'set', 'in']);
    const space = await rig.spaces.create(rig.request());
    expect(readdirSync(space.path).sort()).toEqual(['.git', 'in']);
    expect(space.warnings.join()).toMatch(/sparse checkout/);
  });

  it('says so when the commit or the repository is gone', async () => {
    await using rig = Rig.withCommit();
    const request = rig.request({ sha: 'f'.repeat(40) });
    await expect(rig.spaces.create(request)).rejects.toMatchObject({ code: 'not_found' });
    renameSync(rig.root, join(rig.folder, 'moved'));
    await expect(rig.spaces.create(request)).rejects.toThrow(/repository .* is gone/);
    await rig.spaces.remove(request);
  });

  it('is made eight at once in one repository, while the user works in it', async () => {
    await using rig = Rig.withCommit({ a: '1', 'd/b': '2' });
    const sha = rig.head();
    const making = Array.from({ length: 8 }, (_, n) => {
      const path = join(rig.folder, 'spaces', `run-${n}`);
      return rig.spaces.create(rig.request({ sha, path }));
    });
    for (let n = 0; n < 5; n++) {
      rig.git(['checkout', '-q', '-b', `b${n}`]);
      rig.commit({ a: `user ${n}` });
      rig.git(['worktree', 'prune']);
      rig.git(['gc', '-q', '--auto']);
      await Promise.race(making);
    }
    for (const space of await Promise.all(making)) {
      expect(readFileSync(join(space.path, 'a'), 'utf8')).toBe('1');
      expect(rig.git(['status', '--porcelain'], space.path)).toBe('');
    }
    expect(worktrees(rig)).toHaveLength(9);
    await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        rig.spaces.remove({ ...rig, path: join(rig.folder, 'spaces', `run-${n}`) }),
      ),
    );
    expect(worktrees(rig)).toHaveLength(1);
  });

  it('does not make one repository wait for another', async () => {
    await using rig = Rig.withCommit({ slow: '1', '.gitattributes': 'slow filter=block\n' });
    await using other = Rig.withCommit();
    const block = blockingFilter(rig);
    const slow = rig.spaces.create(rig.request());
    await block.started;
    await rig.spaces.create(other.request({ path: join(rig.folder, 'spaces/run-2') }));
    await block.release();
    await slow;
  });

  it('is given up when the run is cancelled', async () => {
    await using rig = Rig.withCommit({ slow: '1', '.gitattributes': 'slow filter=block\n' });
    const block = blockingFilter(rig);
    const cancel = new AbortController();
    const making = rig.spaces.create(rig.request({ signal: cancel.signal }));
    await block.started;
    cancel.abort(new Error('cancelled'));
    await expect(making).rejects.toThrow('cancelled');
    await block.release();
    await rig.spaces.remove(rig.request());
    expect(worktrees(rig)).toHaveLength(1);
    expect(existsSync(join(rig.folder, 'spaces/run-1'))).toBe(false);
  });
});

describe('after a crash', () => {
  it('kill -9 of the daemon in the middle of a checkout: swept at start, and made again', async () => {
    await using rig = Rig.withCommit({ slow: '1', '.gitattributes': 'slow filter=block\n' });
    const block = blockingFilter(rig);
    const daemon = startMaker(rig);
    await block.started;
    daemon.kill('SIGKILL');
    await once(daemon, 'exit');
    expect(worktrees(rig)).toHaveLength(2);
    await rig.spaces.emptyTrash();
    expect(worktrees(rig)).toHaveLength(1);
    await block.release(); // the git of the dead daemon goes on, in a folder that is no longer anyone's
    rig.git(['config', '--unset', 'filter.block.smudge']);
    const space = await rig.spaces.create(rig.request());
    expect(rig.git(['status', '--porcelain'], space.path)).toBe('');
    expect(worktrees(rig)).toHaveLength(2);
    await rig.spaces.remove(rig.request());
    expect(worktrees(rig)).toHaveLength(1);
  });

  it('makes anew what is there already, whatever it is', async () => {
    await using rig = Rig.withCommit();
    const request = rig.request();
    const first = await rig.spaces.create(request);
    writeFileSync(join(first.path, 'left'), '');
    await rig.spaces.create(request);
    expect(readdirSync(first.path).sort()).toEqual(['.git', 'a.txt']);
    expect(worktrees(rig)).toHaveLength(2);
    rmSync(first.path, { recursive: true });
    await rig.spaces.create(request);
    await rig.spaces.remove(request);
    symlinkSync(rig.root, first.path);
    await rig.spaces.create(request);
    expect(lstatSync(first.path).isDirectory()).toBe(true);
    expect(readFileSync(join(rig.root, 'a.txt'), 'utf8')).toBe('one\n');
    expect(worktrees(rig)).toHaveLength(2);
  });
});

describe('links', () => {
  it('join untracked folders and files, never over what the commit has', async () => {
    await using rig = Rig.withCommit({ 'data/.keep': '', 'data/sub/.keep': '', tracked: '1', blocked: '2' });
    rig.write({
      'data/train.csv': 'x',
      'data/sub/more': 'y',
      '.venv/bin/python': '',
      'deep/er/file': 'z',
      tracked: 'dirty',
    });
    const links = ['data', './.venv/', 'deep/er', 'deep', 'tracked', 'absent'];
    const space = await rig.spaces.create(rig.request({ links }));
    expect([...space.linked].sort()).toEqual(['.venv', 'data/sub/more', 'data/train.csv', 'deep/er']);
    expect(readlinkSync(join(space.path, '.venv'))).toBe(join(rig.root, '.venv'));
    expect(realpathSync(join(space.path, 'data/train.csv'))).toBe(join(rig.root, 'data/train.csv'));
    expect(readFileSync(join(space.path, 'tracked'), 'utf8')).toBe('1');
    expect(space.warnings).toEqual([
      'Not linked: the commit has tracked itself.',
      `Not linked: absent does not exist in ${rig.root}.`,
    ]);
  });

  it('stay inside the workspace and the space', async () => {
    await using rig = Rig.withCommit();
    const outside = join(rig.folder, 'outside');
    mkdirSync(outside);
    symlinkSync(outside, join(rig.root, 'door'));
    rig.git(['add', 'door']);
    rig.git(['commit', '-q', '-m', 'door']);
    writeFileSync(join(outside, 'x'), '');
    for (const link of ['../outside', '/etc', 'a/../../b', '.git', 'x/.GIT/y', '', '.', 'nul\0']) {
      await expect(rig.spaces.create(rig.request({ links: [link] }))).rejects.toMatchObject({
        code: 'invalid_config',
      });
    }
    const space = await rig.spaces.create(rig.request({ links: ['door/x'] }));
    expect(space.warnings).toHaveLength(1);
    expect(readdirSync(outside)).toEqual(['x']);
    expect(lstatSync(join(outside, 'x')).isFile()).toBe(true);
  });
});

it('checks out submodules from the clones of the user, nested ones too, and writes no config', async () => {
  await using rig = Rig.withCommit();
  const [inner, outer] = ['inner', 'outer'].map((name) => join(rig.folder, name));
  for (const at of [inner, outer]) rig.init(at);
  rig.commit({ i: 'inner' }, inner);
  rig.commit({ o: 'outer' }, outer);
  rig.git(['submodule', '--quiet', 'add', '--name', 'nested/name', inner ?? '', 'in'], outer);
  rig.git(['commit', '-q', '-m', 'sub'], outer);
  rig.git(['submodule', '--quiet', 'add', outer ?? '', 'libs/out']);
  rig.git(['commit', '-q', '-m', 'sub']);
  await expect(rig.spaces.create(rig.request({ submodules: true }))).rejects.toThrow(
    /The submodule in is not cloned/,
  );
  rig.git(['submodule', '--quiet', 'update', '--init', '--recursive']);
  for (const at of [inner, outer]) rmSync(at ?? '', { recursive: true });
  const config = readFileSync(join(rig.commonDir, 'config'), 'utf8');
  const plain = await rig.spaces.create(rig.request());
  expect(readdirSync(join(plain.path, 'libs/out'))).toEqual([]);
  const space = await rig.spaces.create(rig.request({ submodules: true }));
  expect(readFileSync(join(space.path, 'libs/out/in/i'), 'utf8')).toBe('inner');
  expect(rig.git(['status', '--porcelain'], space.path)).toBe('');
  expect(rig.git(['submodule', 'status', '--recursive'], space.path)).toMatch(/^ [0-9a-f]+ libs\/out/);
  expect(readFileSync(join(rig.commonDir, 'config'), 'utf8')).toBe(config);
});

it('gives the code of a run back as a worktree, and as a diff', async () => {
  await using rig = Rig.withCommit({ a: '1\n', 'sub/b': '1\n' });
  const before = rig.head();
  const after = rig.commit({ a: '2\n', 'sub/b': '2\n' });
  const directory = join(rig.folder, 'back');
  mkdirSync(directory);
  await checkoutCommit({ ...rig, sha: before, directory, umask: 0o022 });
  expect(readFileSync(join(directory, 'a'), 'utf8')).toBe('1\n');
  await expect(checkoutCommit({ ...rig, sha: before, directory, umask: 0o022 })).rejects.toMatchObject({
    code: 'conflict',
  });
  const file = join(directory, 'a');
  await expect(checkoutCommit({ ...rig, sha: before, directory: file, umask: 0o022 })).rejects.toMatchObject({
    code: 'conflict',
  });
  rmSync(directory, { recursive: true });
  await checkoutCommit({ ...rig, sha: after, directory, umask: 0o022 });
  expect(readFileSync(file, 'utf8')).toBe('2\n');
  const diff = { root: rig.root, a: before, b: after, color: false, stat: false };
  expect(await diffCommits(diff)).toMatch(/\n-1\n\+2\n[\s\S]*sub\/b/);
  expect(await diffCommits({ ...diff, subdir: 'sub', stat: true })).toMatch(/sub\/b \| 2 \+-/);
  expect(await diffCommits({ ...diff, color: true })).toContain('\u001b[');
  expect(await diffCommits({ ...diff, b: before })).toBe('');
  await expect(diffCommits({ ...diff, b: 'nope' })).rejects.toMatchObject({ code: 'not_found' });
});

/** Another process that makes the space of `rig.request()`, to be killed in the middle of it. */
function startMaker(rig: Rig): ChildProcess {
  const module = new URL('../../../daemon/spaces/index.ts', import.meta.url).href;
  const script = `
    import { ${Spaces.name} } from ${JSON.stringify(module)};
    const spaces = new Spaces({ folder: ${JSON.stringify(join(rig.folder, 'trash'))}, report: console.error });
    await spaces.create(${JSON.stringify(rig.request())});
  `;
  const log = openSync(join(rig.folder, 'maker.log'), 'w');
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', log, log] });
}
