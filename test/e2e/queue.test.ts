// What may start when: --after, --retries, hold and release, pause and resume, slots.
import { expect, test } from 'vitest';
import { Rig } from '../rig/rig.ts';

test('--after waits for success, says for whom, and starts then', async () => {
  await using rig = await Rig.start({ slots: 2 });
  const repo = await rig.repo();
  const program = await rig.program();
  const first = await rig.submit(repo, '--name', 'first', '--', ...program.command);
  await program.started();
  const next = await rig.submit(repo, '--after', 'first', '--', 'true');
  expect(await rig.client.get(next)).toMatchObject({
    status: 'pending',
    message: `waiting for run ${first.slice(-8)}`,
    after: [{ id: first, policy: 'success' }],
    position: null,
  });
  await program.exit(0);
  expect((await rig.ended(next)).status).toBe('succeeded');
});

test('after a failure what waited fails too, all along the chain; --after-any does not mind', async () => {
  await using rig = await Rig.start({ slots: 2 });
  const repo = await rig.repo();
  const program = await rig.program();
  const first = await rig.submit(repo, '--', ...program.command);
  await program.started();
  const needs = await rig.submit(repo, '--after', first, '--', 'true');
  const last = await rig.submit(repo, '--after', needs, '--', 'true');
  const any = await rig.submit(repo, '--after-any', first, '--', 'true');
  await program.exit(1);
  expect(await rig.ended(needs)).toMatchObject({ status: 'failed', reason: 'dependency', exitCode: null });
  expect((await rig.client.get(needs)).message).toContain(first);
  expect(await rig.ended(last)).toMatchObject({ status: 'failed', reason: 'dependency' });
  expect((await rig.ended(any)).status).toBe('succeeded');
  expect((await rig.qwex(['wait', last])).code).toBe(70);
  const late = await rig.qwex(['run', '--after', first, '--', 'true'], { cwd: repo.root });
  expect(late.code).toBe(5);
  expect(late.stderr).toContain('--after-any');
});

test('after a cancel what waited ends as well', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const first = await rig.submit(repo, '--hold', '--', 'true');
  const next = await rig.submit(repo, '--after', first, '--', 'true');
  await rig.ok(['cancel', first]);
  const run = await rig.ended(next);
  expect(run).toMatchObject({ status: 'failed', reason: 'dependency' });
  expect(run.message).toContain('cancelled');
});

test('a retry is a new run of the same job, and wait, watch, names and --after follow it', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const first = await rig.submit(repo, '--name', 'flaky', '--retries', '2', '--', ...program.command);
  expect((await program.started()).runId).toBe(first);
  const after = await rig.submit(repo, '--after', first, '--', 'true');
  const wait = rig.begin(['wait', first]);
  const watch = rig.begin(['watch', first]);
  await program.tell('echo first try');
  await watch.stdout.until('first try\n');
  await program.exit(3);
  const { runId: second } = await program.started();
  expect(second).not.toBe(first);
  const [one, two] = [await rig.client.get(first), await rig.client.get('flaky')];
  expect(one).toMatchObject({ status: 'failed', exitCode: 3, retriedBy: second });
  expect(two).toMatchObject({ id: second, retryOf: first, jobId: one.jobId, retriesLeft: 1 });
  await program.tell('echo second try');
  await program.exit(0);
  expect((await wait.ended).code).toBe(0);
  const watched = await watch.ended;
  expect(watched.code).toBe(0);
  expect(watched.stdout).toBe('first try\nsecond try\n');
  expect(watched.stderr).toContain('trying again');
  expect((await rig.ended(after)).status).toBe('succeeded');
});

test('retries end when they are used up, and none follows a cancel', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const follow = await rig.qwex(['run', '-f', '--retries', '2', '--', 'sh', '-c', 'echo try; exit 5'], {
    cwd: repo.root,
  });
  expect(follow).toMatchObject({ code: 5, stdout: 'try\ntry\ntry\n' });
  expect((await rig.client.list()).runs).toHaveLength(3);
  const program = await rig.program();
  const id = await rig.submit(repo, '--retries', '2', '--', ...program.command);
  await program.started();
  await rig.ok(['cancel', id]);
  expect(await rig.ended(id)).toMatchObject({ status: 'cancelled', retriedBy: null });
});

test('hold keeps a run from starting until release', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  await rig.submit(repo, '--', ...program.command);
  await program.started();
  const id = await rig.submit(repo, '--', 'true');
  expect(await rig.ok(['hold', id])).toContain('held');
  const other = await rig.submit(repo, '--', 'true');
  await program.exit(0);
  await rig.ended(other);
  expect(await rig.client.get(id)).toMatchObject({ status: 'pending', held: true });
  expect((await rig.client.get(id)).message).toContain('qwex release');
  expect(await rig.ok(['release', id])).toContain('released');
  await rig.ended(id);
  expect((await rig.qwex(['hold', id])).code).toBe(5);
});

test('pause stops new starts, also over a restart; running runs go on', async () => {
  await using rig = await Rig.start({ slots: 2 });
  const repo = await rig.repo();
  const program = await rig.program();
  const running = await rig.submit(repo, '--', ...program.command);
  await program.started();
  expect(await rig.ok(['pause'])).toContain('qwex resume');
  const id = await rig.submit(repo, '--', 'true');
  expect((await rig.client.get(id)).message).toContain('paused');
  await rig.ok(['daemon', 'restart']);
  expect(await rig.daemon()).toMatchObject({ paused: true, counts: { pending: 1, running: 1 } });
  await program.exit(0);
  expect((await rig.ended(running)).status).toBe('succeeded');
  expect((await rig.client.get(id)).status).toBe('pending');
  await rig.ok(['resume']);
  expect((await rig.ended(id)).status).toBe('succeeded');
});

test('more slots start more runs at once, without a restart', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const [one, two] = [await rig.program(), await rig.program()];
  await rig.submit(repo, '--', ...one.command);
  await one.started();
  const waiting = await rig.submit(repo, '--', ...two.command);
  await rig.ok(['config', 'set', 'slots', '2']);
  expect((await two.started()).runId).toBe(waiting);
  await Promise.all([one.exit(), two.exit()]);
});

test('the config file edited by hand counts too; a mistake in it leaves the last good one', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const [one, two] = [await rig.program(), await rig.program()];
  await rig.submit(repo, '--', ...one.command);
  await one.started();
  await rig.submit(repo, '--', ...two.command);
  await rig.shell(`echo 'slots: 2' >${rig.paths.config}`);
  await two.started();
  await rig.shell(`echo 'slots: many' >${rig.paths.config}`);
  expect((await rig.daemon()).slots).toBe(2);
  await Promise.all([one.exit(), two.exit()]);
});
