import { expect, test } from 'vitest';
import { Rig } from '../rig/rig.ts';

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n$/;

test('on a pipe, run prints the bare id and returns while the command goes on', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const { code, stdout, stderr } = await rig.qwex(['run', '--', ...program.command], { cwd: repo.root });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(ID);
  const id = stdout.trim();
  expect((await program.started()).runId).toBe(id);
  await rig.until('run.started', id);
  expect((await rig.client.get(id)).status).toBe('running');
  await program.tell('echo hello; echo trouble >&2');
  await program.exit(0);
  expect(await rig.ended(id)).toMatchObject({ status: 'succeeded', reason: 'exit', exitCode: 0, attempt: 1 });
  expect(await rig.runFile(id, 'logs', 'stdout.log')).toBe('hello\n');
  expect(await rig.runFile(id, 'logs', 'stderr.log')).toBe('trouble\n');
  expect(await rig.runFile(id, 'meta', 'exit_code')).toBe('0\n');
});

test('in a terminal, run says how to follow and how to end the run', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const { code, stdout } = await rig.terminal(['run', '--hold', '--', 'true'], { cwd: repo.root }).ended;
  expect(code).toBe(0);
  const { id } = await rig.client.get('@');
  expect(stdout).toContain(`qwex watch ${id.slice(-8)}`);
  expect(stdout).toContain(`qwex cancel ${id.slice(-8)}`);
});

test('words reach the program as they were typed', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const words = [
    'a b',
    '',
    "it's",
    '"',
    '$HOME',
    '`id`',
    'x\ny',
    '{{ inner }}',
    '\\',
    '*',
    'ä€😀',
    '-n',
    '--',
  ];
  const id = await rig.submit(repo, '--', 'printf', '%s\\0', ...words);
  expect((await rig.ended(id)).exitCode).toBe(0);
  expect((await rig.runFile(id, 'logs', 'stdout.log')).split('\0').slice(0, -1)).toEqual(words);
});

test('an option behind the command goes to the command, with a hint', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const { code, stdout, stderr } = await rig.qwex(['run', 'echo', 'x', '--gpus', '2'], { cwd: repo.root });
  expect(code).toBe(0);
  expect(stderr).toContain('hint:');
  expect(stderr).toContain('qwex run --gpus 2 -- echo x');
  const run = await rig.ended(stdout.trim());
  expect(run.args).toEqual(['x', '--gpus', '2']);
  expect(await rig.runFile(run.id, 'logs', 'stdout.log')).toBe('x --gpus 2\n');
});

test('a dry run prints the script and queues nothing', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const { code, stdout, stderr } = await rig.qwex(['run', '--dry-run', '--', 'echo', 'a b'], {
    cwd: repo.root,
  });
  expect(code).toBe(0);
  expect(stderr).toContain('nothing was submitted');
  expect((await rig.client.list()).runs).toEqual([]);
  expect((await rig.shell('bash', { input: stdout })).stdout).toBe('a b\n');
});

test('a job of the config is a command with its own settings, to which words are added', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({
    '.qwex/config.yaml': 'jobs: { greet: { command: [echo, hello], resources: { time: 5m } } }\n',
  });
  const id = await rig.submit(repo, '--job', 'greet', 'world');
  const run = await rig.ended(id);
  expect(run).toMatchObject({ status: 'succeeded', command: 'echo', args: ['hello', 'world'] });
  expect(run.resources.timeMs).toBe(300_000);
  expect(await rig.runFile(id, 'logs', 'stdout.log')).toBe('hello world\n');
});

test('a program that is not there ends with 127, and its own shell says so', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const id = await rig.submit(repo, '--', 'no-such-program-here');
  expect(await rig.ended(id)).toMatchObject({ status: 'failed', reason: 'exit', exitCode: 127 });
  expect(await rig.runFile(id, 'logs', 'stderr.log')).toContain('no-such-program-here');
});

test('a run has no input, and no other descriptor than its three', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  // The fourth that ls shows is the folder that it reads.
  const id = await rig.submit(repo, '--', 'ls', '-l', '/proc/self/fd');
  expect((await rig.ended(id)).status).toBe('succeeded');
  const lines = (await rig.runFile(id, 'logs', 'stdout.log')).match(/ \d+ -> .*/g);
  expect(lines).toHaveLength(4);
  expect(lines?.[0]).toBe(' 0 -> /dev/null');
});

test('runs of one slot go one after the other, in the order of their priority', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const first = await rig.submit(repo, '--', ...program.command);
  await program.started();
  const order = rig.path('order');
  const say = (word: string): string[] => ['sh', '-c', `echo ${word} >>${order}`];
  const low = await rig.submit(repo, '--priority', '-1', '--', ...say('low'));
  const normal = await rig.submit(repo, '--', ...say('normal'));
  const high = await rig.submit(repo, '--priority', '5', '--', ...say('high'));
  expect((await rig.client.get(high)).message).toBe('next; the slot is taken');
  expect((await rig.client.get(low)).message).toBe('2 ahead of you');
  expect(await rig.client.get(low)).toMatchObject({ status: 'pending', position: 3 });
  await program.exit(0);
  for (const id of [first, low, normal, high]) expect((await rig.ended(id)).status).toBe('succeeded');
  expect((await rig.shell(`cat ${order}`)).stdout).toBe('high\nnormal\nlow\n');
});

test('two slots take two runs at once', async () => {
  await using rig = await Rig.start({ slots: 2 });
  const repo = await rig.repo();
  const [one, two] = [await rig.program(), await rig.program()];
  const ids = [await rig.submit(repo, '--', ...one.command), await rig.submit(repo, '--', ...two.command)];
  expect([(await one.started()).runId, (await two.started()).runId]).toEqual(ids);
  await Promise.all([one.exit(), two.exit()]);
  for (const id of ids) expect((await rig.ended(id)).status).toBe('succeeded');
});
