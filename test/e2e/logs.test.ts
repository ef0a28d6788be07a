import { expect, test } from 'vitest';
import { Rig } from '../rig/rig.ts';

test('logs prints each stream on its own, whole or by its last lines', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const id = await rig.submit(repo, '--', 'sh', '-c', 'seq 1 5; seq 101 105 >&2');
  await rig.ended(id);
  const logs = (...args: string[]) => rig.qwex(['logs', ...args, id]);
  expect(await logs()).toMatchObject({
    code: 0,
    stdout: '1\n2\n3\n4\n5\n',
    stderr: '101\n102\n103\n104\n105\n',
  });
  expect(await logs('-n', '2')).toMatchObject({ stdout: '4\n5\n', stderr: '104\n105\n' });
  expect(await logs('-n', '0')).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(await logs('--stdout')).toMatchObject({ stdout: '1\n2\n3\n4\n5\n', stderr: '' });
  expect(await logs('--stderr', '-n', '1')).toMatchObject({ stdout: '', stderr: '105\n' });
  expect(await rig.json<object>(['logs', id])).toMatchObject({ stdout: '1\n2\n3\n4\n5\n' });
});

test('logs of a run that goes on ends where the output ends now', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  await program.started();
  expect(await rig.qwex(['logs', id])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  await program.tell('printf "no newline"');
  expect(await rig.qwex(['logs', id])).toMatchObject({ code: 0, stdout: 'no newline' });
  await program.exit(0);
});

test('logs of a run that has not started is empty', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const id = await rig.submit(repo, '--hold', '--', 'true');
  expect(await rig.qwex(['logs', id])).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

test('a reader that has enough ends logs without a word', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const id = await rig.submit(repo, '--', 'seq', '1', '1000000');
  await rig.ended(id);
  for (const words of ['logs', 'logs -f', 'watch'])
    expect(await rig.shell(`qwex ${words} ${id} | head -n 1; echo "\${PIPESTATUS[0]}"`)).toMatchObject({
      stdout: '1\n141\n',
      stderr: '',
    });
});

test('a daemon restart does not lose or repeat logs of an ended run', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const id = await rig.submit(repo, '--', 'seq', '1', '10');
  await rig.ended(id);
  await rig.ok(['daemon', 'restart']);
  expect((await rig.qwex(['logs', id])).stdout).toBe('1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n');
});
