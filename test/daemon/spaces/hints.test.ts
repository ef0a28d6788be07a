import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ignoredTopLevel, missingFromCommit, untrackedWarning } from '../../../daemon/spaces/index.ts';
import { Rig } from './rig.ts';

it('lists ignored entries at the top', async () => {
  await using rig = Rig.withCommit({
    '.gitignore': 'data/\n.venv\n*.tmp\n',
    'kept.tmp': 'tracked all the same',
  });
  expect(await ignoredTopLevel(rig.root)).toEqual([]);
  rig.write({ 'data/a': '', '.venv/x': '', 'b.tmp': '', 'sub/c.tmp': '', '-odd\n.tmp': '', plain: '' });
  expect(await ignoredTopLevel(rig.root)).toEqual(['-odd\n.tmp', '.venv', 'b.tmp', 'data']);
});

it('finds words that name what the commit does not have', async () => {
  await using rig = Rig.withCommit({ '.gitignore': 'data/\n*.bin\n', 'src/train.py': '', 'conf/a.yaml': '' });
  rig.write({
    'data/train.csv': '',
    'data/-x y': '',
    'conf/new.yaml': '',
    'src/m.bin': '',
    'src/only/here': '',
  });
  symlinkSync('/nonexistent', join(rig.root, 'dangling'));
  const look = (subdir: string, words: string[]) =>
    missingFromCommit({ root: rig.root, sha: rig.head(), subdir, words });
  expect(
    await look('', ['python', 'src/train.py', '--data=data/train.csv', 'conf/a.yaml', 'conf/new.yaml']),
  ).toEqual([
    { word: '--data=data/train.csv', path: 'data/train.csv', ignored: true, link: 'data' },
    { word: 'conf/new.yaml', path: 'conf/new.yaml', ignored: false, link: 'conf/new.yaml' },
  ]);
  const paths = async (subdir: string, words: string[]) =>
    (await look(subdir, words)).map(({ path }) => path);
  expect(await paths('', ['sh', '-c', 'cat data/train.csv | wc; ls conf'])).toEqual(['data/train.csv']);
  expect(await paths('src', ['m.bin', './only/', '../data/train.csv'])).toEqual([
    'src/m.bin',
    'src/only',
    'data/train.csv',
  ]);
  expect(await paths('', ['data/-x y', 'a=conf/a.yaml,src/m.bin', 'dangling'])).toEqual([
    'data/-x y',
    'src/m.bin',
    'dangling',
  ]);
  const elsewhere = [
    '..',
    '../x',
    join(rig.root, 'data'),
    '.',
    '',
    '.git/config',
    'nope',
    '-',
    '--',
    '~/data',
    'a\0b',
  ];
  expect(await paths('', elsewhere)).toEqual([]);
  expect(await paths('', ['dangling/x', '*', ':(top)nope'])).toEqual([]);
});

it('names untracked files in a bounded warning', () => {
  expect(untrackedWarning({ untracked: [] })).toBeNull();
  const untracked = Array.from({ length: 12 }, (_, n) => `f${n}`);
  expect(untrackedWarning({ untracked })).toMatch(/^Not in the run[\s\S]* {2}f9\n {2}and 2 more$/);
});
