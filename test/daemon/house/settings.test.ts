import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Settings } from '../../../daemon/house/settings.ts';

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'qwex-settings-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const settingOf = async (settings: Settings, key: string) =>
  (await settings.list()).settings.find((setting) => setting.key === key);

it('settings begin with their defaults, are written, and go back', async () => {
  const changes: number[] = [];
  const settings = await Settings.load(home, () => changes.push(settings.current.slots));
  expect(await settingOf(settings, 'slots')).toMatchObject({ value: 1, isDefault: true });
  await settings.set('slots', '3');
  expect(await settingOf(settings, 'slots')).toMatchObject({ value: 3, isDefault: false });
  expect(readFileSync(join(home, 'config.yaml'), 'utf8')).toContain('slots: 3');
  await settings.set('slots', null);
  expect(await settingOf(settings, 'slots')).toMatchObject({ value: 1, isDefault: true });
  expect(changes).toEqual([3, 1]);
});

it('a setting that is none, or a value that is none, is refused and writes nothing', async () => {
  const settings = await Settings.load(home, () => undefined);
  await settings.set('slots', '2');
  const before = readFileSync(join(home, 'config.yaml'), 'utf8');
  await expect(settings.set('slots', 'many')).rejects.toMatchObject({ name: 'QwexError' });
  await expect(settings.set('solts', '1')).rejects.toMatchObject({
    message: expect.stringContaining('solts'),
  });
  expect(readFileSync(join(home, 'config.yaml'), 'utf8')).toBe(before);
  expect(settings.current.slots).toBe(2);
});

it('a file that was edited into nonsense leaves the last good settings', async () => {
  const settings = await Settings.load(home, () => undefined);
  writeFileSync(join(home, 'config.yaml'), 'slots: 4\n');
  await settings.reload();
  writeFileSync(join(home, 'config.yaml'), 'slots: [\n');
  await expect(settings.reload()).rejects.toMatchObject({ code: 'invalid_config' });
  expect(settings.current.slots).toBe(4);
});
