import { lstat, readFile, stat, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { getUserConfig, loadUserConfig, setUserConfig } from '../../../daemon/config/index.ts';
import { makeFolder, messageFrom } from '../config/folder.ts';

it('has defaults without a file', async () => {
  await using home = await makeFolder();
  expect(await loadUserConfig(home.path)).toEqual({ slots: 1, graceMs: 10_000 });
});

it('expands ~ and reads times', async () => {
  await using home = await makeFolder({
    'config.yaml': 'spaces: ~/big/spaces\ngrace: 1m\nbox: /data/box\nruns:\n',
  });
  expect(await loadUserConfig(home.path)).toEqual({
    slots: 1,
    graceMs: 60_000,
    spaces: join(homedir(), 'big/spaces'),
    box: '/data/box',
  });
});

it('reports every problem with file and line', async () => {
  await using home = await makeFolder({ 'config.yaml': 'slot: 2\ngrace: 10\n' });
  const file = join(home.path, 'config.yaml');
  expect((await messageFrom(() => loadUserConfig(home.path))).split('\n')).toEqual([
    `${file}:1: unknown key "slot"; did you mean "slots"?`,
    `${file}:2: grace is wrong: the time "10" has no unit (such as 30m or 4h)`,
  ]);
});

it('sets a value, keeps comments, and lets nobody else read it', async () => {
  const text = '# my machine\nslots: 2 # two cards\n\n# slow disk\ngrace: 30s\n';
  await using home = await makeFolder({ 'config.yaml': text });
  expect(await setUserConfig(home.path, 'slots', '4')).toMatchObject({ slots: 4, graceMs: 30_000 });
  const file = join(home.path, 'config.yaml');
  expect(await readFile(file, 'utf8')).toBe(text.replace('slots: 2', 'slots: 4'));
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await getUserConfig(home.path, 'slots')).toEqual({ slots: 4 });
  expect(await getUserConfig(home.path, 'grace')).toEqual({ graceMs: 30_000 });
});

it('starts a file, also one of comments alone, and takes a setting back', async () => {
  await using home = await makeFolder({ 'config.yaml': '# nothing yet\n' });
  await setUserConfig(home.path, 'grace', '2m');
  const file = join(home.path, 'config.yaml');
  expect(await readFile(file, 'utf8')).toMatch(/^# nothing yet\n+grace: 2m\n$/);
  expect(await setUserConfig(home.path, 'grace', null)).toMatchObject({ graceMs: 10_000 });
  expect(await readFile(file, 'utf8')).not.toContain('grace');

  await using empty = await makeFolder();
  const deeper = join(empty.path, 'new/home');
  await setUserConfig(deeper, 'box', '/data/box');
  expect(await loadUserConfig(deeper)).toMatchObject({ box: '/data/box' });
});

it('changes nothing when the value is wrong', async () => {
  await using home = await makeFolder({ 'config.yaml': 'slots: 2\n' });
  await expect(setUserConfig(home.path, 'slots', 'many')).rejects.toMatchObject({
    code: 'usage',
    message: 'can\'t set slots to "many": slots must be a whole number, not "many"',
  });
  await expect(setUserConfig(home.path, 'grace', '10')).rejects.toMatchObject({ code: 'usage' });
  await expect(setUserConfig(home.path, 'slotz', '1')).rejects.toMatchObject({
    code: 'usage',
    message: 'there is no setting "slotz"; did you mean "slots"?',
  });
  await expect(getUserConfig(home.path, 'x')).rejects.toMatchObject({ code: 'usage' });
  expect(await readFile(join(home.path, 'config.yaml'), 'utf8')).toBe('slots: 2\n');
});

it('leaves a link to a file elsewhere a link', async () => {
  await using home = await makeFolder({ 'dotfiles/qwex.yaml': 'slots: 2\n' });
  await symlink('dotfiles/qwex.yaml', join(home.path, 'config.yaml'));
  await setUserConfig(home.path, 'slots', '3');
  expect((await lstat(join(home.path, 'config.yaml'))).isSymbolicLink()).toBe(true);
  expect(await readFile(join(home.path, 'dotfiles/qwex.yaml'), 'utf8')).toBe('slots: 3\n');
});
