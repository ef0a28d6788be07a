// What a command line asks the daemon for, what it prints, and what it exits with.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../cli/commands.ts';
import type { LocalSubmitResponse } from '../../shared/schemas/local.ts';
import { FakeDaemon, problem } from './fake-daemon.ts';
import { aRun, qwex } from './rig.ts';

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await FakeDaemon.start();
});
afterEach(() => daemon[Symbol.asyncDispose]());

const pending = aRun({
  status: 'pending',
  phase: 'queued',
  startedAt: null,
  finishedAt: null,
  exitCode: null,
  reason: null,
  message: '2 ahead of you',
});
const submitted = (changes: Partial<LocalSubmitResponse> = {}): LocalSubmitResponse => ({
  runs: [pending],
  notices: [],
  workspace: { name: 'lab', root: '/home/a/lab', sha: pending.source.sha, snapshot: false },
  ...changes,
});
const SUBMIT = 'POST /api/local/v1/submit';

describe('run', () => {
  test('on a pipe prints the bare id; warnings and hints go to stderr', async () => {
    daemon.on(SUBMIT, {
      json: submitted({
        notices: [
          { level: 'hint', message: 'h' },
          { level: 'warning', message: 'w' },
        ],
      }),
    });
    const result = await qwex({ home: daemon.home }, 'run', '--', 'python', 'train.py');
    expect(result).toEqual({ code: 0, stdout: `${pending.id}\n`, stderr: 'warning: w\nhint: h\n' });
  });

  test('on a terminal says when it starts, how to follow and how to end it', async () => {
    daemon.on(SUBMIT, { json: submitted() });
    const { stdout } = await qwex({ home: daemon.home, isTTY: true, env: { NO_COLOR: '1' } }, 'run', 'x');
    expect(stdout).toContain('27201aca  2 ahead of you');
    expect(stdout).toContain('qwex watch 27201aca');
    expect(stdout).toContain('qwex cancel 27201aca');
    expect(stdout).not.toContain('\u001b');
  });

  test("options before the command are ours, behind it the command's", async () => {
    daemon.on(SUBMIT, { json: submitted() });
    const words = [
      'run',
      '--gpus',
      '2',
      '--watch',
      'out,plots',
      '--after',
      'a,b',
      '--name',
      'n',
      'python',
      '-f',
      '--gpus',
      '3',
    ];
    const result = await qwex({ home: daemon.home, cwd: '/here' }, ...words);
    expect(daemon.asked[0]?.body).toMatchObject({
      cwd: '/here',
      commands: [['python', '-f', '--gpus', '3']],
      resources: { gpus: 2 },
      watch: ['out', 'plots'],
      after: ['a', 'b'],
      name: 'n',
    });
    expect(result.stderr).toContain('hint: --gpus 3 was given to the command');
  });

  test('a word -- of the command stays', async () => {
    daemon.on(SUBMIT, { json: submitted() });
    await qwex({ home: daemon.home }, 'run', '--', 'git', 'log', '--', 'x');
    expect(daemon.asked[0]?.body).toMatchObject({ commands: [['git', 'log', '--', 'x']] });
  });

  test('--each - takes a command a line, and prints an id a line', async () => {
    const second = { ...pending, id: 'second' };
    daemon.on(SUBMIT, { json: submitted({ runs: [pending, second] }) });
    const result = await qwex({ home: daemon.home, stdin: 'a b\nc | d\n' }, 'run', '--each', '-');
    expect(daemon.asked[0]?.body).toMatchObject({
      commands: [
        ['a', 'b'],
        ['bash', '-c', 'c | d'],
      ],
    });
    expect(result.stdout).toBe(`${pending.id}\nsecond\n`);
  });

  test('--json prints one value, notices in it', async () => {
    const answer = submitted({ notices: [{ level: 'warning', message: 'w' }] });
    daemon.on(SUBMIT, { json: answer });
    const result = await qwex({ home: daemon.home }, 'run', '--json', 'x');
    expect(JSON.parse(result.stdout)).toEqual({ schema_version: 1, data: answer });
  });

  test.each([
    [['run'], 'No command was given'],
    [['run', '--each', 'f', 'cmd'], '--each and a command'],
    [['run', '--each', 'f', '-f'], '--each makes many runs'],
    [['run', '--time', '30', 'x'], 'no unit'],
    [['run', '--gpus', 'x:y', 'x'], 'TYPE:NUMBER'],
    [['run', '--priority', '1.5', 'x'], 'whole number'],
  ])('%j is a usage error', async (words, message) => {
    const result = await qwex({ home: daemon.home }, ...words);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain(message);
    expect(daemon.asked).toEqual([]);
  });
});

describe('errors', () => {
  test.each([
    [404, 'not_found', 3],
    [409, 'ambiguous', 4],
    [409, 'conflict', 5],
    [422, 'dirty_tree', 2],
    [500, 'internal', 70],
    [418, 'of_another_version', 70],
  ])('HTTP %d %s exits with %s', async (status, code, exit) => {
    daemon.on('GET /api/v1/runs/x', problem(status, code, 'what was wrong'));
    const result = await qwex({ home: daemon.home }, 'status', 'x');
    expect(result).toEqual({
      code: exit,
      stdout: '',
      stderr: 'error: what was wrong\nhint: qwex list --all\n',
    });
    const asJson = await qwex({ home: daemon.home }, 'status', 'x', '--json');
    expect(asJson).toMatchObject({ code: exit, stderr: '' });
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      schema_version: 1,
      error: { message: 'what was wrong' },
    });
  });

  test('no daemon exits with 69', async () => {
    const result = await qwex({ home: '/nowhere' }, 'daemon', 'status');
    expect(result).toMatchObject({ code: 69, stdout: '' });
  });

  test('a bug shows neither stack nor silence', async () => {
    daemon.on('GET /api/v1/runs/x', { json: { garbage: true } });
    const result = await qwex({ home: daemon.home }, 'status', 'x');
    expect(result.code).toBe(70);
    expect(result.stderr).toMatch(/^error: internal error: .*\nhint: .*QWEX_DEBUG/);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    const debugged = await qwex({ home: daemon.home, env: { QWEX_DEBUG: '1' } }, 'status', 'x');
    expect(debugged.stderr).toMatch(/^\s+at /m);
  });

  test('an answer cannot steer the terminal', async () => {
    daemon.on('GET /api/v1/runs/x', problem(409, 'conflict', 'bad \u001b[2J name'));
    expect((await qwex({ home: daemon.home }, 'status', 'x')).stderr).toContain('bad \\e[2J name');
  });

  test.each([
    [['lsit'], "unknown command 'lsit'", 'Did you mean list?'],
    [['list', '--stat', 'x'], "unknown option '--stat'", 'Did you mean --status?'],
    [['list', '--status', 'x'], 'Allowed choices are pending', 'qwex list --help'],
    [['cancel'], "missing required argument 'id'", 'qwex cancel --help'],
  ])('%j', async (words, message, hint) => {
    const result = await qwex({ home: daemon.home }, ...words);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain(message);
    expect(result.stderr).toContain(hint);
  });
});

describe('list', () => {
  test('only the columns in use; a pending run with its reason', async () => {
    const now = new Date().toISOString();
    daemon.withRuns({ ...pending, createdAt: now }, aRun({ createdAt: now, name: 'big' }));
    const { stdout } = await qwex({ home: daemon.home }, 'list');
    const [header, first, second] = stdout.split('\n');
    expect(header?.split(/ {2,}/)).toEqual([
      'ID',
      'NAME',
      'STATUS',
      'SUBMITTED',
      'TOOK',
      'COMMAND',
      'WAITS FOR',
    ]);
    expect(first).toContain('2 ahead of you');
    expect(second).toMatch(/big +succeeded .* 3m 05s {2}python train\.py$/);
  });

  test('asks for what the filters say, page by page, until it has enough', async () => {
    daemon.on('GET /api/v1/runs', ({ query }) => ({
      json:
        query.get('cursor') === null
          ? { runs: [aRun()], nextCursor: 'more' }
          : { runs: [aRun()], nextCursor: null },
    }));
    const since = new Date(2026, 10, 20).toISOString();
    const words = ['ls', '--status', 'failed', '--workspace', 'lab', '--since', '2026-11-20', '--json'];
    const result = await qwex({ home: daemon.home }, ...words);
    expect(JSON.parse(result.stdout).data).toHaveLength(2);
    expect(daemon.asked.map(({ query }) => Object.fromEntries(query))).toEqual([
      { status: 'failed', workspace: 'lab', since, limit: '20' },
      { status: 'failed', workspace: 'lab', since, limit: '19', cursor: 'more' },
    ]);
  });

  test('nothing to list is no data', async () => {
    daemon.withRuns();
    expect(await qwex({ home: daemon.home }, 'ps')).toMatchObject({ code: 0, stdout: '' });
    expect((await qwex({ home: daemon.home }, '--json', 'ps')).stdout).toBe(
      '{"schema_version":1,"data":[]}\n',
    );
  });
});

describe('cancel', () => {
  test('goes on after a failure, and exits with the first one', async () => {
    const cancelled = aRun({ status: 'cancelled' });
    daemon
      .on('DELETE /api/v1/runs/done', problem(409, 'conflict', 'it has already ended'))
      .on('DELETE /api/v1/runs/queued', { json: cancelled });
    const result = await qwex({ home: daemon.home }, 'cancel', 'done', 'nope', 'queued');
    expect(result).toMatchObject({ code: 5, stdout: 'run 27201aca is cancelled\n' });
    expect(result.stderr).toContain('already ended');
    expect(result.stderr).toContain('"nope"');
    const asJson = await qwex({ home: daemon.home }, 'cancel', '--json', 'done', 'queued');
    expect(asJson).toMatchObject({ code: 5, stderr: '' });
    expect(JSON.parse(asJson.stdout).data).toMatchObject([
      { id: 'done', run: null, error: { code: 'conflict' } },
      { id: 'queued', run: { status: 'cancelled' }, error: null },
    ]);
  });
});

describe('help', () => {
  test.each(COMMANDS.filter(({ name }) => name !== '__complete').map(({ name }) => name))(
    '%s explains itself with an example',
    async (name) => {
      const result = await qwex({ home: daemon.home }, name, '--help');
      expect(result.code).toBe(0);
      expect(result.stdout).toMatch(new RegExp(`^Usage: qwex ${name}`));
      expect(result.stdout).toMatch(/Examples:\n {2}\S/);
    },
  );

  test('alone is shown to a person, and is an error to a script', async () => {
    const result = await qwex({ home: daemon.home });
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain('qwex run -- python train.py');
    expect(await qwex({ home: daemon.home }, '--help')).toMatchObject({ code: 0, stderr: '' });
  });
});
