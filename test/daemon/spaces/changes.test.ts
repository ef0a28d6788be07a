import { chmodSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { spaceChanges } from '../../../daemon/spaces/index.ts';
import { Rig } from './rig.ts';

const COMMITTED = {
  same: 'same',
  touched: 'touched',
  edited: 'aaaa',
  gone: '1',
  mode: '2',
  'out/old': 'o',
  'd\n"ü': '3',
};

function work(path: string): void {
  writeFileSync(join(path, 'edited'), 'bbbb');
  utimesSync(join(path, 'touched'), 1, 1);
  rmSync(join(path, 'gone'));
  chmodSync(join(path, 'mode'), 0o755);
}

it('tells what is unchanged, changed and new, links left out', async () => {
  await using rig = Rig.withCommit({ ...COMMITTED, '.gitignore': '*.log\nwandb/\n' });
  rig.write({ 'data/x': '', 'deep/er/x': '' });
  const { path } = await rig.spaces.create(rig.request({ links: ['data', 'deep/er'] }));
  work(path);
  rig.write(
    { 'wandb/run/a': '', 'wandb/b': '', 'x.log': '', 'model.pt': '', 'out/new': '', 'deep/mine': '' },
    path,
  );
  rig.init(join(path, 'cloned'));
  symlinkSync('/nonexistent', join(path, 'own-link'));
  const found = await spaceChanges({ ...rig, path });
  expect([...found.unchanged].sort()).toEqual(['.gitignore', 'd\n"ü', 'out/old', 'same', 'touched']);
  expect(found.changed.sort()).toEqual(['edited', 'mode']);
  expect(found.added.sort()).toEqual(
    ['cloned/', 'deep/mine', 'model.pt', 'out/new', 'own-link', 'wandb/', 'x.log'].sort(),
  );
  expect(found.known).toBe(true);
});

it('is right whatever the program did to HEAD, index and .git', async () => {
  await using rig = Rig.withCommit(COMMITTED);
  const { path } = await rig.spaces.create(rig.request());
  work(path);
  rig.git(['update-index', '--assume-unchanged', 'same'], path);
  writeFileSync(join(path, 'same'), 'SAME');
  writeFileSync(join(path, 'fresh'), '');
  rig.git(['add', '-A'], path);
  rig.git(['commit', '-q', '-m', 'by the program'], path);
  rig.git(['checkout', '-q', '--orphan', 'nowhere'], path);
  const check = async () => {
    const found = await spaceChanges({ ...rig, path });
    expect([...found.unchanged].sort()).toEqual(['d\n"ü', 'out/old', 'touched']);
    expect(found.changed.sort()).toEqual(['edited', 'mode', 'same']);
    expect(found.added).toEqual(['fresh']);
  };
  await check();
  rmSync(join(path, '.git'));
  await check();
  rig.init(path);
  await check();
});

it('calls everything new when the repository is gone or forgot the space', async () => {
  await using rig = Rig.withCommit({ a: '', 'd/b': '' });
  const { path } = await rig.spaces.create(rig.request());
  rmSync(rig.commonDir, { recursive: true });
  const found = await spaceChanges({ ...rig, path });
  expect(found).toEqual({
    unchanged: new Set(),
    changed: [],
    added: expect.arrayContaining(['a', 'd/']),
    known: false,
  });
  expect(await spaceChanges({ ...rig, path: join(rig.folder, 'none') })).toMatchObject({
    added: [],
    known: false,
  });
});

it('finds nothing in a space that the program deleted', async () => {
  await using rig = Rig.withCommit();
  const { path } = await rig.spaces.create(rig.request());
  rmSync(path, { recursive: true });
  const nothing = { unchanged: new Set(), changed: [], added: [], known: true };
  expect(await spaceChanges({ ...rig, path })).toEqual(nothing);
  symlinkSync(rig.root, path);
  expect(await spaceChanges({ ...rig, path })).toEqual(nothing);
});
