// A submitter's environment holds secrets: it must not outlive the runs that need it, however they end.
import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Rig } from '../rig/rig.ts';

const kept = (rig: Rig): Promise<string[]> => readdir(rig.paths.environments);

test('an environment goes with a run whose dependency failed, without a restart', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const needed = await rig.submit(repo, ...program.command);
  const dependent = await rig.submit(repo, '--env', 'TOKEN=secret', '--after', needed, 'true');
  await program.exit(1);
  expect(await rig.ended(dependent)).toMatchObject({ reason: 'dependency' });
  await rig.ok(['daemon', 'stop']); // waits for what is being tidied up
  expect(await kept(rig)).toEqual([]);
});

test('a request that is sent again after its run has ended leaves nothing', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const request = {
    cwd: repo.root,
    commands: [['true'] as [string]],
    environment: { PATH: process.env.PATH ?? '', TOKEN: 'secret' },
    umask: 0o022,
    idempotencyKey: 'once',
  };
  const [first] = (await rig.client.submitFrom(request)).runs;
  await rig.client.wait(first?.id ?? '');
  expect((await rig.client.submitFrom(request)).runs.map(({ id }) => id)).toEqual([first?.id]);
  await expect(
    rig.client.submitFrom({ ...request, idempotencyKey: 'other', after: ['nothing'] }),
  ).rejects.toThrow();
  await rig.ok(['daemon', 'stop']);
  expect(await kept(rig)).toEqual([]);
});
