// qwex box …: what is asked of the daemon and shown of its answers; and what is done without one.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { BoxDeviceStatus, BoxReportResponse, BoxStatus } from '../../shared/box.ts';
import { packageRoot } from '../../shared/client/start-daemon.ts';
import { FakeDaemon, problem } from './fake-daemon.ts';
import { qwex } from './rig.ts';

const device = (changes: Partial<BoxDeviceStatus> = {}): BoxDeviceStatus => ({
  id: 'gpu0',
  type: 'a100',
  uuid: null,
  memoryMb: 40_960,
  memoryUsedMb: null,
  utilizationPercent: null,
  state: 'free',
  member: null,
  run: null,
  sinceMs: null,
  untilMs: null,
  note: null,
  ...changes,
});
const box = (changes: Partial<BoxStatus> = {}): BoxStatus => ({
  path: '/var/lib/qwex',
  shared: true,
  devices: [device()],
  line: [],
  problems: [],
  ...changes,
});

describe('with a daemon', () => {
  let daemon: FakeDaemon;
  beforeEach(async () => {
    daemon = await FakeDaemon.start();
  });
  afterEach(() => daemon[Symbol.asyncDispose]());
  const ask = (...words: string[]) => qwex({ home: daemon.home }, 'box', ...words);

  test('status: data to stdout, what is wrong to stderr', async () => {
    daemon.on('GET /api/local/v1/box', { json: box({ problems: ['x is ignored: it is a \u001b[2J fifo'] }) });
    const { code, stdout, stderr } = await ask();
    expect(code).toBe(0);
    expect(stdout).toContain('/var/lib/qwex  (shared)');
    expect(stdout).toContain('nobody waits');
    expect(stderr).toBe('warning: x is ignored: it is a \\e[2J fifo\n');
  });

  test.each([[['--json', 'box']], [['box', '--json']]])('%j is the answer as it came', async (words) => {
    daemon.on('GET /api/local/v1/box', { json: box() });
    const { stdout } = await qwex({ home: daemon.home }, ...words);
    expect(JSON.parse(stdout)).toEqual({ schema_version: 1, data: box() });
  });

  test('--json belongs to the words behind box too, wherever it stands', async () => {
    const findings = [{ level: 'ok', message: 'in order', hint: null }];
    daemon.on('GET /api/local/v1/box/doctor', { json: { path: '/b', findings } });
    for (const words of [
      ['--json', 'box', 'doctor'],
      ['box', '--json', 'doctor'],
      ['box', 'doctor', '--json'],
    ]) {
      const { stdout } = await qwex({ home: daemon.home }, ...words);
      expect(JSON.parse(stdout).data.findings).toEqual(findings);
    }
  });

  test('a machine without devices says what that means', async () => {
    daemon.on('GET /api/local/v1/box', { json: box({ shared: false, devices: [] }) });
    const own = await ask();
    expect(own).toMatchObject({ code: 0, stdout: '' });
    expect(own.stderr).toContain('no driver');
    expect(own.stderr).toContain('qwex box init');
    daemon.on('GET /api/local/v1/box', { json: box({ devices: [] }) });
    expect((await ask()).stderr).toContain('box.yaml');
  });

  test('another QWEX_BOX than the one of the daemon is pointed out', async () => {
    daemon.on('GET /api/local/v1/box', { json: box() });
    const options = { home: daemon.home, env: { QWEX_BOX: '/lab/box' } };
    expect((await qwex(options, 'box')).stderr).toContain('qwex daemon restart');
    const same = { home: daemon.home, env: { QWEX_BOX: '/var/lib/qwex' } };
    expect((await qwex(same, 'box')).stderr).toBe('');
  });

  test('a refusal of the daemon stays what it is', async () => {
    daemon.on('GET /api/local/v1/box', problem(404, 'not_found', 'this daemon takes part in no box'));
    const result = await ask();
    expect(result).toMatchObject({ code: 3, stdout: '' });
    expect(result.stderr).toContain('error: this daemon takes part in no box\nhint: ');
  });

  test('report asks from a week ago, or from a date', async () => {
    const answer: BoxReportResponse = { sinceMs: 0, untilMs: 1, members: [], remarkable: [] };
    daemon.on('GET /api/local/v1/box/report', { json: answer });
    const before = Date.now();
    expect((await ask('report')).stderr).toBe('nobody has used a device in that time\n');
    const sinceMs = Number(daemon.asked[0]?.query.get('sinceMs'));
    expect(sinceMs).toBeGreaterThanOrEqual(before - 7 * 86_400_000);
    expect(sinceMs).toBeLessThanOrEqual(Date.now() - 7 * 86_400_000);
    await ask('report', '--since', '2024-11-01');
    expect(Number(daemon.asked[1]?.query.get('sinceMs'))).toBe(new Date(2024, 10, 1).getTime());
    const future = await ask('report', '--since', '2999-01-01');
    expect(future).toMatchObject({ code: 2, stderr: expect.stringContaining('still to come') });
    expect(await ask('report', '--since', '7')).toMatchObject({ code: 2 });
  });

  test('doctor exits with 1 on an error, with 0 on a warning', async () => {
    const findings = [{ level: 'warning', message: 'w', hint: 'do' }];
    daemon.on('GET /api/local/v1/box/doctor', { json: { path: '/b', findings } });
    expect(await ask('doctor')).toMatchObject({ code: 0, stdout: 'warning  w\n         hint: do\n' });
    findings.push({ level: 'error', message: 'e', hint: 'fix' });
    expect(await ask('doctor')).toMatchObject({ code: 1 });
  });

  test('drain and resume name the device in the path, the reason in the body', async () => {
    const drain = 'POST /api/local/v1/box/devices/gpu0/drain';
    daemon.on(drain, { json: { path: '/b', device: 'gpu0', drained: 'fan' } });
    daemon.on('POST /api/local/v1/box/devices/gpu0/resume', {
      json: { path: '/b', device: 'gpu0', drained: null },
    });
    expect((await ask('drain', 'gpu0', '--why', 'fan')).stdout).toContain('gpu0 is given to no further run');
    expect((await ask('drain', 'gpu0')).code).toBe(0);
    expect((await ask('resume', 'gpu0')).stdout).toBe('gpu0 is given out again\n');
    expect(daemon.asked.map(({ body }) => body)).toEqual([{ why: 'fan' }, { why: '' }, undefined]);
  });

  test('completion offers the words, and the devices', async () => {
    daemon.on('GET /api/local/v1/box', { json: box({ devices: [device(), device({ id: 'gpu1' })] }) });
    const offered = async (...words: string[]) =>
      (await qwex({ home: daemon.home }, '__complete', '--', 'box', ...words)).stdout.trim().split('\n');
    expect(await offered('')).toEqual(['report', 'doctor', 'drain', 'resume', 'init']);
    expect(await offered('drain', '')).toEqual(['gpu0', 'gpu1']);
    expect(await offered('init', '--de')).toEqual(['--device', '--default-time']);
  });
});

describe('without a daemon', () => {
  test('help tells lengths of time as people write them', async () => {
    const { stdout } = await qwex({ home: tmpdir() }, 'box', 'init', '--help');
    expect(stdout).toMatch(/--default-time .*\(default: 12h\)/);
  });

  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qwex-box-init-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** The whole program, with a PATH that has no driver on it, and a home to be left alone, as under sudo. */
  const launch = (env: NodeJS.ProcessEnv, ...words: string[]) => {
    const options = {
      env: { PATH: '/nowhere', HOME: folder, ...env },
      encoding: 'utf8' as const,
      cwd: folder,
    };
    const main = ['--disable-warning=ExperimentalWarning', join(packageRoot(), 'cli', 'main.ts')];
    const { status, stdout, stderr } = spawnSync(process.execPath, [...main, 'box', ...words], options);
    return { code: status, stdout, stderr };
  };

  test('init makes the box, says what comes next, and refuses to make it again', async () => {
    const words = ['init', '--path', 'lab', '--fake', '2', '--default-time', '3h', '--max-devices', '1'];
    const made = launch({ SUDO_UID: '0' }, ...words);
    expect(made).toMatchObject({ code: 0 });
    expect(made.stdout).toContain(`made ${folder}/lab with 2 devices`);
    expect(made.stdout).toContain('everybody on this machine');
    expect(made.stdout).toContain(`qwex config set box ${folder}/lab`);
    expect(parse(await readFile(join(folder, 'lab', 'box.yaml'), 'utf8'))).toMatchObject({
      source: 'fake',
      default_time: '3h',
      policy: { max_devices: 1 },
    });
    // No daemon, no home, no cache.
    expect(await readdir(folder)).toEqual(['lab']);
    expect(launch({ SUDO_UID: '0' }, ...words)).toMatchObject({ code: 5, stdout: '' });
  });

  test('under sudo the box is for whoever typed it', async () => {
    launch({ SUDO_UID: '12345' }, 'init', '--path', 'lab', '--fake', '1');
    const caller = process.getuid?.() ?? 0;
    for (const name of ['', 'box.yaml', 'fake.yaml', 'locks', 'locks/gpu0.lock'])
      expect((await stat(join(folder, 'lab', name))).uid).toBe(caller === 0 ? 12_345 : caller);
  });

  test('where it cannot write, it says so and what to do', async () => {
    await writeFile(join(folder, 'file'), '');
    const path = join(folder, 'file', 'box');
    const refused = launch({ SUDO_UID: '0', QWEX_BOX: path }, 'init', '--fake', '1');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(`can't make a box in ${path}`);
    // As root there is no more that sudo could do.
    const isRoot = process.getuid?.() === 0;
    expect(refused.stderr).toContain(isRoot ? '--path' : 'cli/qwex');
    expect(refused.stderr).toContain(isRoot ? '--path' : ` box init --fake 1 --path ${path}`);
  });

  test('init without a driver says how to name devices, and leaves nothing', async () => {
    const result = launch({ SUDO_UID: '0', QWEX_BOX: join(folder, 'lab') }, 'init');
    expect(result).toMatchObject({ code: 3, stdout: '' });
    expect(result.stderr).toContain('--device gpu0:a100');
    expect(existsSync(join(folder, 'lab'))).toBe(false);
  });

  test.each([
    [['--device', 'gpu0'], 'ID:TYPE'],
    [['--device', 'gpu0:a100:'], 'ID:TYPE'],
    [['--device', 'GPU0:a100'], 'id of --device number 1'],
    [['--device', 'gpu0:a100', '--device', 'gpu0:a100'], '"gpu0" is taken'],
    [['--device', 'gpu0:a100', '--fake', '1'], 'say twice'],
    [['--fake', '0'], 'from 1 to 64'],
    [['--fake', '1', '--default-time', '12'], 'no unit'],
    [['--fake', '1', '--group', 'no-such-group'], 'no-such-group'],
  ])('init %j is refused, and nothing is left', async (words, message) => {
    const { code, stderr } = launch(
      { SUDO_UID: '0', PATH: process.env.PATH },
      'init',
      '--path',
      'lab',
      ...words,
    );
    expect([2, 3]).toContain(code);
    expect(stderr).toContain(message);
    expect(await readdir(folder)).toEqual([]);
  });

  test('drain and resume with --path change the file itself', async () => {
    launch({ SUDO_UID: '0' }, 'init', '--path', 'lab', '--device', 'gpu0:a100:GPU-1');
    const drained = async () =>
      parse(await readFile(join(folder, 'lab', 'box.yaml'), 'utf8')).devices[0].drained;
    const env = { SUDO_UID: '0' };
    expect(launch(env, 'drain', 'gpu0', '--path', 'lab', '--why', 'fan')).toMatchObject({ code: 0 });
    expect(await drained()).toBe('fan');
    expect(launch(env, 'resume', 'gpu0', '--path', 'lab', '--json').stdout).toContain('"drained":null');
    expect(await drained()).toBeUndefined();
    expect(launch(env, 'drain', 'gpu1', '--path', 'lab')).toMatchObject({ code: 3 });
    expect(launch(env, 'drain', 'gpu0', '--path', 'nowhere')).toMatchObject({ code: 3 });
    expect(await readdir(folder)).toEqual(['lab']);
  });
});
