import { expect, test } from 'vitest';
import { Rig } from '../rig/rig.ts';

test('qwex run | xargs qwex wait mirrors the exit code', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const good = await rig.shell('qwex run -- true | xargs qwex wait', { cwd: repo.root });
  expect(good.code).toBe(0);
  expect(good.stdout).toBe('');
  expect(good.stderr).toMatch(/succeeded/);
  // xargs says 123 for any failure of its command.
  expect((await rig.shell('qwex run -- false | xargs qwex wait', { cwd: repo.root })).code).toBe(123);
  expect((await rig.shell('qwex wait "$(qwex run -- sh -c "exit 9")"', { cwd: repo.root })).code).toBe(9);
  expect((await rig.shell('qwex run -- sh -c "exit 8" | qwex wait -q -', { cwd: repo.root })).code).toBe(8);
});

test('wait for several exits with the first failure in the order of its words', async () => {
  await using rig = await Rig.start({ slots: 3 });
  const repo = await rig.repo();
  const [slow, fast, good] = [await rig.program(), await rig.program(), await rig.program()];
  const ids: string[] = [];
  for (const program of [good, slow, fast]) {
    ids.push(await rig.submit(repo, '--', ...program.command));
    await program.started();
  }
  const wait = rig.begin(['wait', ...ids]);
  await fast.exit(2);
  await wait.stderr.until('exit 2');
  await slow.exit(1);
  await wait.stderr.until('exit 1');
  await good.exit(0);
  expect((await wait.ended).code).toBe(1);
  const ended = await rig.qwex(['wait', '--json', ...ids]);
  expect(ended.code).toBe(1);
  const { data } = JSON.parse(ended.stdout);
  expect(data.map((run: { exitCode: number }) => run.exitCode)).toEqual([0, 1, 2]);
});

test('an unknown id is told before anything is waited for', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const id = await rig.submit(repo, '--hold', '--', 'true');
  const { code, stderr } = await rig.qwex(['wait', id, 'nothing-like-it']);
  expect(code).toBe(3);
  expect(stderr).toContain('nothing-like-it');
});

test('an interrupt of wait leaves the runs going', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  await program.started();
  await rig.until('run.started', id);
  // A second run, so that there is something to see before the interrupt.
  const wait = rig.begin(['wait', id, await rig.submit(repo, '--hold', '--name', 'later', '--', 'true')]);
  await rig.ok(['cancel', 'later']);
  await wait.stderr.until('cancelled');
  wait.kill('SIGINT');
  const { code, stderr } = await wait.ended;
  expect(code).toBe(130);
  expect(stderr).toContain('qwex cancel');
  expect((await rig.client.get(id)).status).toBe('running');
  await program.exit(0);
});

test('two that wait for one run both get its end', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  await program.started();
  const waits = [rig.begin(['wait', id]), rig.begin(['watch', id]), rig.begin(['wait', '@'])];
  await program.exit(6);
  for (const wait of waits) expect((await wait.ended).code).toBe(6);
});
