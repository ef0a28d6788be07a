// Wrong words and unlucky places: exit codes, and what is said.
import { expect, test } from 'vitest';
import { Rig } from '../rig/rig.ts';

test('a mistake on the command line is exit code 2, with a way out', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const wrong: [string[], RegExp][] = [
    [['frobnicate'], /unknown command/],
    [['lsit'], /list/],
    [['run'], /qwex run -- /],
    [['run', '--gpuz', '1', '--', 'true'], /--gpus/],
    [['run', '--gpus', '1:2', '--', 'true'], /number/],
    [['run', '--priority', '1.5', '--', 'true'], /whole number/],
    [['run', '--name', 'no spaces', '--', 'true'], /name/],
    [['run', '--retries', '1000', '--', 'true'], /retries|100/],
    [['run', '--watch', '../out', '--', 'true'], /\.\./],
    [['run', '--env', '=x', '--', 'true'], /name/],
    [['list', '--status', 'odd'], /pending/],
    [['wait'], /id/],
    [['config', 'set', 'slots', 'many'], /slots/],
    [['config', 'set', 'slotz', '2'], /slots/],
    [['artifacts', '--force'], /--download/],
  ];
  for (const [args, says] of wrong) {
    const { code, stdout, stderr } = await rig.qwex(args, { cwd: repo.root });
    expect({ code, stdout }, args.join(' ')).toEqual({ code: 2, stdout: '' });
    expect(stderr, args.join(' ')).toMatch(/^error: /);
    expect(stderr, args.join(' ')).toMatch(says);
    expect(stderr).not.toMatch(/^ {4}at /m);
  }
  expect((await rig.client.list()).runs).toEqual([]);
});

test('help and version need no daemon, and help has examples', async () => {
  await using rig = await Rig.start({ daemon: false });
  expect(await rig.ok(['--version'])).toMatch(/^\d+\.\d+\.\d+$/);
  expect(await rig.ok(['--help'])).toContain('qwex run -- python train.py');
  const commands = [...(await rig.ok(['--help'])).matchAll(/^ {2}([a-z]+)[, ]/gm)].map(
    ([, name]) => name ?? '',
  );
  expect(commands.length).toBeGreaterThan(25);
  for (const name of commands.filter((each) => each !== 'help' && each !== 'qwex'))
    expect(await rig.ok([name, '--help']), name).toMatch(/Examples?:/);
  expect((await rig.qwex(['daemon', 'status'])).code).toBe(69);
});

test('a home that cannot be used is said in one sentence', async () => {
  await using rig = await Rig.start({ daemon: false });
  await rig.shell('touch a-file');
  const { code, stderr } = await rig.qwex(['list'], { env: { QWEX_HOME: rig.path('a-file') } });
  expect([69, 70]).toContain(code);
  expect(stderr).toMatch(/^error: .*a-file/);
  expect(stderr).not.toMatch(/^ {4}at /m);
});

test('in a folder that was removed, what needs no folder works and the rest says so', async () => {
  await using rig = await Rig.start();
  const gone = 'mkdir gone; cd gone; rmdir ../gone;';
  expect(await rig.shell(`${gone} qwex list --json`)).toMatchObject({
    code: 0,
    stdout: '{"schema_version":1,"data":[]}\n',
  });
  const { code, stderr } = await rig.shell(`${gone} qwex run -- true`);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error: .*\nhint: .*cd/m);
});

test('config shows, sets and unsets what is yours', async () => {
  await using rig = await Rig.start();
  expect(await rig.ok(['config', 'get', 'slots'])).toBe('1');
  expect(await rig.ok(['config', 'set', 'slots', '3'])).toBe('slots is 3');
  expect(await rig.ok(['config', 'get', 'slots'])).toBe('3');
  expect((await rig.daemon()).slots).toBe(3);
  expect(await rig.ok(['config', 'list'])).toMatch(/slots +3 +yes/);
  await rig.ok(['config', 'unset', 'slots']);
  expect((await rig.daemon()).slots).toBe(1);
  expect((await rig.qwex(['config', 'get', 'nothing'])).code).toBe(3);
  expect((await rig.shell(`stat -c %a ${rig.paths.config}`)).stdout).toBe('600\n');
});

test('doctor finds nothing wrong with a fresh home, and an open one', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const well = await rig.qwex(['doctor'], { cwd: repo.root });
  expect(well.code, well.stdout).toBe(0);
  expect(well.stdout).toMatch(/ok +git: /);
  expect(well.stdout).toContain('project at');
  await rig.shell(`chmod 755 ${rig.home}`);
  const open = await rig.qwex(['doctor'], { cwd: repo.root });
  expect(open.code).toBe(1);
  expect(open.stdout).toMatch(/error +privacy: .*\n.*chmod go=/);
  await rig.shell(`chmod 700 ${rig.home}`);
});

test('bash completes commands, options and runs', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  await rig.submit(repo, '--hold', '--name', 'training', '--', 'true');
  const complete = async (...words: string[]) => {
    const line = `source <(qwex completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _qwex; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await rig.shell(
      `bash -c ${JSON.stringify(line).replaceAll('$', '\\$')} - ${words.map((word) => `'${word}'`).join(' ')}`,
    );
    return stdout.trim().split('\n');
  };
  expect(await complete('qwex', 'ca')).toEqual(['cancel']);
  expect(await complete('qwex', 'run', '--pri')).toEqual(['--priority']);
  expect(await complete('qwex', 'status', 'tr')).toEqual(['training']);
  expect(await complete('qwex', 'daemon', 'sta')).toEqual(['start', 'status']);
  const zsh = await rig.ok(['completion', 'zsh']);
  expect(zsh).toContain('compdef');
  expect((await rig.qwex(['completion', 'fish'])).code).toBe(2);
  await rig.ok(['cancel', '@']);
  await rig.ok(['daemon', 'stop']);
  expect(await complete('qwex', 'status', '')).toEqual(['']);
  expect((await rig.qwex(['daemon', 'status'])).code).toBe(69);
});
