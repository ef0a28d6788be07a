// The pool between commits, under any sequence of operations, and beside whatever else goes on.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { committed, expectFresh, freshState, giveBack, stateOf } from './fresh.ts';
import { COMMITTED } from './nasty.ts';
import { Rig } from './rig.ts';

const spaceOf = (rig: Rig, name: string) => join(rig.folder, 'spaces', name);

/** A few names below one another, so that operations meet. */
const NAMES = ['main.py', 'pkg', 'deep', 'er', 'data', '.keep', 'out', 'new', 'ü', '.gitignore'];
const somePath = fc.oneof(
  fc.constantFrom(...Object.keys(COMMITTED), 'pkg', 'pkg/deep', 'data', 'link', '.git'),
  fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
);
const operation = fc.oneof(
  fc.record({
    kind: fc.constantFrom('write', 'append', 'remove', 'folder', 'touch', 'git add'),
    path: somePath,
  }),
  fc.record({ kind: fc.constantFrom('rename', 'link', 'symlink'), path: somePath, other: somePath }),
  fc.record({
    kind: fc.constant('mode'),
    path: somePath,
    mode: fc.constantFrom(0o400, 0o644, 0o755, 0o777, 0o2755),
  }),
);
type Operation = { kind: string; path: string; other?: string; mode?: number };

/** What the file system refuses is no concern of ours. */
function perform(rig: Rig, space: string, { kind, path, other = '', mode = 0 }: Operation): void {
  const [at, to] = [join(space, path), join(space, other)];
  try {
    if (kind === 'write') fs.writeFileSync(at, 'new\n');
    else if (kind === 'append') fs.appendFileSync(at, '1');
    else if (kind === 'remove') fs.rmSync(at, { recursive: true });
    else if (kind === 'folder') fs.mkdirSync(at, { recursive: true });
    else if (kind === 'touch') fs.utimesSync(at, 1, 1);
    else if (kind === 'git add') rig.git(['add', '--', path], space);
    else if (kind === 'rename') fs.renameSync(at, to);
    else if (kind === 'link') fs.linkSync(at, to);
    else if (kind === 'symlink') fs.symlinkSync(path, to);
    else fs.chmodSync(at, mode);
  } catch {
    return;
  }
}

it('is as fresh after any sequence of operations, and between commits', async () => {
  await using rig = committed();
  const commits = [rig.head()];
  commits.push(
    rig.commit({ 'main.py': 'print(3)\n', 'added/file': '1', 'pkg/deep/er/module.py': 'x = 3\n' }),
  );
  rig.git(['rm', '-q', '-r', 'pkg', 'link']);
  commits.push(rig.commit({ pkg: 'a file now\n', 'link/x': 'a folder now\n' }));
  const fresh = new Map(commits.map((sha) => [sha, freshState(rig, sha)]));
  let count = 0;
  const steps = fc.array(
    fc.record({ commit: fc.constantFrom(...commits), operations: fc.array(operation, { maxLength: 8 }) }),
    { minLength: 1, maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (runs) => {
      for (const { commit, operations } of runs) {
        const path = spaceOf(rig, `run-${count++}`);
        await rig.spaces.create(rig.request({ path, sha: commit, folders: ['results'] }));
        fs.rmdirSync(join(path, 'results'));
        expect(stateOf(rig, path)).toEqual(fresh.get(commit));
        for (const each of operations) perform(rig, path, each);
        await giveBack(rig, path);
        expect(rig.spaces.waiting.length).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 8 },
  );
  expect(rig.reports).toEqual([]);
});

describe('between commits', () => {
  it('writes what differs, and leaves the rest where it is', async () => {
    await using rig = Rig.withCommit({ same: '1', changed: '1', 'gone/file': '1' });
    const first = rig.head();
    const { path } = await rig.spaces.create(rig.request());
    const kept = fs.lstatSync(join(path, 'same')).ino;
    await giveBack(rig, path);
    rig.git(['rm', '-q', '-r', 'gone']);
    const second = rig.commit({ changed: '2', new: '2' });
    for (const sha of [second, first]) {
      await rig.spaces.create(rig.request({ path, sha }));
      expectFresh(rig, path, sha);
      expect(fs.lstatSync(join(path, 'same')).ino).toBe(kept);
      await giveBack(rig, path);
    }
  });

  it('starts afresh where the attributes differ, or where a filter may be at work', async () => {
    await using rig = Rig.withCommit({ 'a.txt': 'one\n', b: '1' });
    const { path } = await rig.spaces.create(rig.request());
    await giveBack(rig, path);
    const crlf = rig.commit({ '.gitattributes': '*.txt eol=crlf\n' });
    await rig.spaces.create(rig.request({ path }));
    expect(fs.readFileSync(join(path, 'a.txt'), 'utf8')).toBe('one\r\n');
    expectFresh(rig, path, crlf);
    await giveBack(rig, path);
    rig.commit({ '.gitattributes': 'b filter=lfs\n' });
    await rig.spaces.create(rig.request({ path }));
    await giveBack(rig, path);
    expect(rig.spaces.waiting).toEqual([]);
  });

  it('says what is wrong with the request, and not with the space', async () => {
    await using rig = Rig.withCommit();
    const request = rig.request();
    await rig.spaces.create(request);
    await giveBack(rig, request.path);
    const noFolder = rig.spaces.create({ ...request, subdir: 'none' });
    await expect(noFolder).rejects.toThrow(/folder "none" is not in commit/);
    const noCommit = rig.spaces.create({ ...request, sha: 'f'.repeat(40) });
    await expect(noCommit).rejects.toMatchObject({ code: 'not_found' });
    expect(rig.git(['worktree', 'list']).trim().split('\n')).toHaveLength(1);
  });
});

describe('a space is not used again', () => {
  /** A process that has something of the space, until it is told to end. */
  async function holder(script: string, cwd: string): Promise<ChildProcess> {
    const child = spawn('python3', ['-u', '-c', `${script}\nprint("ready"); sys.stdin.read()`], { cwd });
    await once(child.stdout, 'data');
    return child;
  }

  it.each([
    ['stands in it', 'import sys, os; os.chdir("pkg/deep")'],
    ['has a file of it open', 'import sys, os; held = open("main.py", "a"); os.chdir("/")'],
    [
      'has a file of it mapped',
      'import sys, os, mmap; f = open("main.py", "r+b"); held = mmap.mmap(f.fileno(), 0); f.close(); os.chdir("/")',
    ],
  ])('while somebody %s', async (_, script) => {
    await using rig = committed();
    const { path } = await rig.spaces.create(rig.request());
    const child = await holder(script, path);
    await giveBack(rig, path);
    expect(rig.spaces.waiting).toEqual([]);
    expect(rig.git(['worktree', 'list']).trim().split('\n')).toHaveLength(1);
    child.stdin?.end();
    await once(child, 'exit');
  });

  it('when there are submodules, or a part of the commit only', async () => {
    await using rig = Rig.withCommit({ 'in/a': '1', 'out/b': '2' });
    const request = rig.request({ submodules: true });
    await rig.spaces.create(request);
    await giveBack(rig, request.path);
    expect(rig.spaces.waiting).toEqual([]);
    rig.git(['sparse-checkout', 'set', 'in']);
    await rig.spaces.create(rig.request());
    await giveBack(rig, request.path);
    expect(rig.spaces.waiting).toEqual([]);
  });

  it('when somebody was in it while it waited', async () => {
    await using rig = committed();
    const sha = rig.head();
    const path = spaceOf(rig, 'run-1');
    const touch: ((waiting: string) => void)[] = [
      (waiting) => fs.appendFileSync(join(waiting, 'main.py'), '1'),
      (waiting) => fs.writeFileSync(join(waiting, 'pkg/new'), ''),
      (waiting) => void rig.git(['checkout', '-q', '-b', 'mine'], waiting),
      (waiting) => void rig.git(['worktree', 'remove', '--force', '--force', waiting]),
      (waiting) => fs.rmSync(waiting, { recursive: true }),
    ];
    for (const change of touch) {
      await rig.spaces.create(rig.request({ path }));
      await giveBack(rig, path);
      change(rig.spaces.waiting[0]?.path ?? '');
      await rig.spaces.create(rig.request({ path }));
      expectFresh(rig, path, sha);
      await rig.spaces.remove({ ...rig, path });
    }
  });
});
