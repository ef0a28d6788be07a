import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../shared/client/start-daemon.ts';
import { areCompatible, isNewer, VERSION } from '../../shared/version.ts';

it('is that of package.json', () => {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  expect(VERSION).toBe((JSON.parse(text) as { version: string }).version);
});

it.each([
  ['1.2.3', '1.2.9', true],
  ['1.2.3', '1.3.3', false],
  ['1.2.3', '2.2.3', false],
])('%s and %s understand each other: %s', (a, b, expected) => {
  expect(areCompatible(a, b)).toBe(expected);
});

it.each([
  ['1.10.0', '1.9.9', true],
  ['2.0.0', '1.9.9', true],
  ['1.2.3', '1.2.3', false],
  ['1.2.3', '1.2.4', false],
  ['0.1.0-rc.1', '0.1.0', false],
])('%s is newer than %s: %s', (a, than, expected) => {
  expect(isNewer(a, than)).toBe(expected);
});
