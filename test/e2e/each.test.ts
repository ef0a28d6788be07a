// Many runs in one request, and one request sent twice.
import { expect, test } from 'vitest';
import { LOCAL_API } from '../../shared/api.ts';
import type { LocalSubmitResponse } from '../../shared/schemas/local.ts';
import type { Run } from '../../shared/schemas/run.ts';
import { Rig } from '../rig/rig.ts';

test('--each makes a run of each line, as a shell would read it', async () => {
  await using rig = await Rig.start({ slots: 4 });
  const repo = await rig.repo();
  await repo.write({
    '.git/sweep': "# a comment\necho plain 'two words'\n\n  echo $((1 + 2)) | tr 3 x\r\nexit 3\n",
  });
  const ids = (await rig.ok(['run', '--each', '.git/sweep'], { cwd: repo.root })).split('\n');
  expect(ids).toHaveLength(3);
  const { code } = await rig.qwex(['wait', '-q', '-'], { input: ids.join('\n') });
  expect(code).toBe(3);
  const outputs = await Promise.all(ids.map((id) => rig.runFile(id, 'logs/stdout.log')));
  expect(outputs).toEqual(['plain two words\n', 'x\n', '']);
  expect((await rig.client.get(ids[0] ?? '')).command).toBe('echo');
});

test('a thousand lines on stdin are a thousand runs, in one go and in order', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  await rig.ok(['pause']);
  const input = Array.from({ length: 1000 }, (_, index) => `echo ${index}`).join('\n');
  const ids = (await rig.ok(['run', '--each', '-'], { cwd: repo.root, input })).split('\n');
  expect(new Set(ids).size).toBe(1000);
  const runs = await rig.json<Run[]>(['list', '--all']);
  expect(runs.map(({ id }) => id)).toEqual(ids.toReversed());
  expect(runs.map(({ args }) => Number(args[0]))).toEqual(Array.from({ length: 1000 }, (_, i) => 999 - i));
  expect(await rig.daemon()).toMatchObject({ counts: { pending: 1000 } });
  expect((await rig.client.get(ids[999] ?? '')).position).toBe(1000);
  const first = ids.slice(0, 3);
  const cancelled = await rig.ok(['cancel', ...ids.slice(3)]);
  expect(cancelled.split('\n')).toHaveLength(997);
  await rig.ok(['resume']);
  for (const id of first) expect((await rig.ended(id)).status).toBe('succeeded');
});

test('one bad line and nothing is queued', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const empty = await rig.qwex(['run', '--each', '-'], { cwd: repo.root, input: '# nothing\n' });
  expect(empty.code).toBe(2);
  const both = await rig.qwex(['run', '--each', '-', '--', 'true'], { cwd: repo.root, input: 'true\n' });
  expect(both.code).toBe(2);
  const missing = await rig.qwex(['run', '--each', 'no-such-file'], { cwd: repo.root });
  expect(missing.code).not.toBe(0);
  expect(missing.stderr).toContain('no-such-file');
  expect(missing.stderr).not.toContain('    at ');
  expect((await rig.client.list()).runs).toEqual([]);
});

test('a request with neither command nor job is refused, and its key stays free', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const body = { cwd: repo.root, commands: [], environment: rig.env, hold: true, idempotencyKey: 'nothing' };
  await expect(rig.client.submitFrom(body)).rejects.toThrow('there is no command to run');
  const { runs } = await rig.client.submitFrom({ ...body, commands: [['true']] });
  expect(runs).toHaveLength(1);
});

test('the same key twice is one run, also through a restart', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const body = {
    cwd: repo.root,
    commands: [['true']],
    environment: rig.env,
    hold: true,
    idempotencyKey: 'again',
  };
  const send = () => rig.client.request<LocalSubmitResponse>(LOCAL_API.submitLocal, { body });
  const [one, two] = await Promise.all([send(), send()]);
  await rig.killDaemon();
  await rig.startDaemon();
  const three = await send();
  const ids = [one, two, three].flatMap(({ runs }) => runs.map(({ id }) => id));
  expect(ids).toHaveLength(3);
  expect(new Set(ids).size).toBe(1);
  const other = await rig.client.submitFrom({ ...body, idempotencyKey: 'another' });
  expect(other.runs[0]?.id).not.toBe(ids[0]);
  expect((await rig.client.list()).runs).toHaveLength(2);
});
