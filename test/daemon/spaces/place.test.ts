import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { Places } from '../../../daemon/spaces/index.ts';
import { Rig } from './rig.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Puts a git before the real one that writes a line for each call; returns how many there have been. */
function countGit(rig: Rig): () => number {
  const [folder, calls] = [join(rig.folder, 'bin'), join(rig.folder, 'calls')];
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  mkdirSync(folder);
  writeFileSync(calls, '');
  writeFileSync(join(folder, 'git'), `#!/bin/sh\necho . >>'${calls}'\nexec '${real}' "$@"\n`);
  chmodSync(join(folder, 'git'), 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`);
  return () => readFileSync(calls, 'utf8').length / 2;
}

/** Asks until the answer is remembered: what has only just been made isn't. */
async function learn(places: Places, cwd: string, calls: () => number) {
  for (;;) {
    const before = calls();
    const place = await places.find(cwd);
    if (calls() === before) return place;
  }
}

it('asks git once, and again whenever the folder may belong elsewhere', async () => {
  await using rig = Rig.withCommit({ 'a/b/file': '1' });
  const calls = countGit(rig);
  const cwd = join(rig.root, 'a/b');
  const places = new Places();
  const fresh = () => new Places().find(cwd);
  expect(await learn(places, cwd, calls)).toEqual(await fresh());
  expect(await fresh()).toMatchObject({ root: rig.root, subdir: 'a/b', shallow: false });

  // A commit moves nothing: HEAD, index and refs change, the place doesn't.
  rig.commit({ 'a/b/file': '2' });
  const before = calls();
  await places.find(cwd);
  expect(calls()).toBe(before);

  rig.init(join(rig.root, 'a'));
  expect((await places.find(cwd)).root).toBe(join(rig.root, 'a'));
  await learn(places, cwd, calls);
  rmSync(join(rig.root, 'a/.git'), { recursive: true });
  expect((await places.find(cwd)).root).toBe(rig.root);
  await learn(places, cwd, calls);

  rig.git(['config', 'core.worktree', join(rig.root, 'a')]);
  expect((await places.find(cwd)).root).toBe(join(rig.root, 'a'));
  rig.git(['config', '--unset', 'core.worktree']);
  await learn(places, cwd, calls);

  execFileSync('git', ['init', '-q', '--bare', join(rig.folder, 'bare')]);
  for (const name of ['HEAD', 'objects', 'refs']) renameSync(join(rig.folder, 'bare', name), join(cwd, name));
  await expect(places.find(cwd)).rejects.toThrow('git rev-parse failed');
});

it('notices another repository at the same path, and a link that points elsewhere', async () => {
  await using rig = Rig.withCommit({ 'sub/file': '1' });
  const calls = countGit(rig);
  const places = new Places();
  const other = join(rig.folder, 'other');
  rig.init(other);
  const link = join(rig.folder, 'link');
  symlinkSync(rig.root, link);
  expect((await learn(places, link, calls)).root).toBe(rig.root);
  rmSync(link);
  symlinkSync(other, link);
  expect((await places.find(link)).root).toBe(other);

  rig.git(['worktree', 'add', '-q', '--detach', join(rig.folder, 'linked')]);
  const linked = join(rig.folder, 'linked');
  expect((await learn(places, linked, calls)).commonDir).toBe(rig.commonDir);
  rmSync(linked, { recursive: true });
  rig.init(linked);
  expect((await places.find(linked)).commonDir).toBe(join(linked, '.git'));

  rmSync(join(rig.root, '.git'), { recursive: true });
  await expect(places.find(rig.root)).rejects.toThrow('git rev-parse failed');
});
