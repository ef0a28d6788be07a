import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isRunFile, removeTemporaries, temporaryName } from '../../../daemon/box/files/own-names.ts';
import { BoxRig } from './rig.ts';

const RUN = '01a2167e-7419-773e-a7ce-40e91ae13371';

test('what a daemon that died has left half-written goes when the next one joins; what is being written stays', async () => {
  await using rig = await BoxRig.open();
  const folder = join(rig.root, 'leases');
  const { pid: dead } = spawnSync('true');
  const left = temporaryName('x.lease').replace(`.${process.pid}.`, `.${dead}.`);
  const living = temporaryName('x.lease');
  for (const name of [left, living, '.mine']) writeFileSync(join(folder, name), '');
  await rig.member('a');
  expect(readdirSync(folder).sort()).toEqual([living, '.mine'].sort());
  removeTemporaries([folder]);
  expect(readdirSync(folder).sort()).toEqual([living, '.mine'].sort());
});

test.each([
  [`${RUN}.lease`, true],
  [`${RUN}.0123456789abcdef.lease`, true],
  [`${RUN}.0123456789abcde.lease`, false],
  [`${RUN}x.lease`, false],
  [`x${RUN}.lease`, false],
  [`${RUN}.0123456789abcdef.0123456789abcdef.lease`, false],
])('%s as a name of a file of that run: %s', (name, expected) => {
  expect(isRunFile(name, RUN, /\.lease$/)).toBe(expected);
});
