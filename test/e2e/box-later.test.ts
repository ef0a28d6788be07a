// A daemon that was there before the machine had a box: nobody restarts anything.
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Rig } from '../rig/rig.ts';

const PATH = '/usr/bin:/bin';

test('a box that is made where QWEX_BOX says is found by the daemon that missed it', async () => {
  await using rig = await Rig.start({ daemon: false });
  const env = { PATH, QWEX_BOX: rig.path('box') };
  await using late = await Rig.start({ env });
  late.expectLogged(/box cannot be used/);
  const repo = await late.repo();
  const waiting = await late.submit(repo, '--gpus', '1', '--', 'true');
  expect((await late.client.get(waiting)).message).toContain('there is no box');
  const { stdout } = await late.qwex(['doctor']);
  expect(stdout).toContain('found without a restart');
  const before = await late.qwex(['box']);
  expect([before.code, before.stderr]).toEqual([3, expect.stringContaining('qwex box init')]);
  await late.ok(['box', 'init', '--path', env.QWEX_BOX, '--fake', '1']);
  const { stdout: shown } = await late.qwex(['box']);
  expect(shown).toContain('(shared)');
  expect(await late.ended(waiting)).toMatchObject({ status: 'succeeded', devices: ['gpu0'] });
});

test('a box that is named in the settings later takes the place of the private one', async () => {
  await using rig = await Rig.start({ env: { PATH } });
  rig.expectLogged(/box cannot be used/);
  const repo = await rig.repo();
  const refused = await rig.qwex(['run', '--gpus', '1', '--', 'true'], { cwd: repo.root });
  expect(refused.stderr).toContain('this machine has 0');
  const path = rig.path('box');
  await rig.ok(['box', 'init', '--path', path, '--fake', '2']);
  await rig.ok(['config', 'set', 'box', path]);
  const id = await rig.submit(repo, '--gpus', '2', '--', 'true');
  expect(await rig.ended(id)).toMatchObject({ status: 'succeeded', devices: ['gpu0', 'gpu1'] });
  await writeFile(rig.paths.config, `box: ${rig.path('nowhere')}\n`, { mode: 0o600 });
  await expect
    .poll(async () => (await rig.qwex(['box'])).stderr)
    .toContain(`still in ${path}: there is no box`);
  const { stdout } = await rig.qwex(['doctor']);
  expect(stdout).toContain(`still in ${path}`);
});
