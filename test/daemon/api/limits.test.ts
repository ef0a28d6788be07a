// Every limit of what a client may send: what is over one is refused by an error that names it, with the limit and the
// value, and what is at the limits is taken.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LIMITS } from '../../../shared/schemas/run.ts';
import { ApiRig, type Asked, problemIn } from './rig.ts';

let rig: ApiRig;
beforeAll(async () => {
  rig = await ApiRig.start();
});
afterAll(() => rig[Symbol.asyncDispose]());

const post = (body: unknown): Asked => ({ method: 'POST', body });
const refusal = async (path: string, asked?: Asked) => problemIn(await rig.ask(path, asked));

/** A submission that is over one limit, and what is said of it. */
const OVER_LIMITS: [keyof typeof LIMITS, () => Record<string, unknown>, RegExp][] = [
  [
    'nameLength',
    () => ({ name: 'x'.repeat(LIMITS.nameLength + 1) }),
    /name: has 101 characters; the limit is 100/,
  ],
  ['commandBytes', () => ({ args: ['x'.repeat(LIMITS.commandBytes)] }), /command: is longer than 128 KiB/],
  [
    'argumentCount',
    () => ({ args: Array.from({ length: LIMITS.argumentCount + 1 }, () => 'x') }),
    /args: has 4097 items; the limit is 4096/,
  ],
  [
    'environmentNames',
    () => ({
      env: Object.fromEntries(Array.from({ length: LIMITS.environmentNames + 1 }, (_, n) => [`V${n}`, ''])),
    }),
    /env: has more than 4096 variables: 4097/,
  ],
  [
    'environmentBytes',
    () => ({
      env: Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`BIG${n}`, 'ü'.repeat(50_000)])),
    }),
    /env: is larger than 1024 KiB: 1100067 bytes/,
  ],
  [
    'variableBytes',
    () => ({ env: { SMALL: '', BIG: 'x'.repeat(LIMITS.variableBytes) } }),
    /env: has a variable BIG larger than 128 KiB: 131077 bytes/,
  ],
  [
    'pathLength',
    () => ({ watch: ['x'.repeat(LIMITS.pathLength + 1)] }),
    /watch\.0: has 4097 characters; the limit is 4096/,
  ],
  [
    'paths',
    () => ({ watch: Array.from({ length: LIMITS.paths + 1 }, () => 'out') }),
    /watch: has 1001 items; the limit is 1000/,
  ],
  ['retries', () => ({ retries: LIMITS.retries + 1 }), /retries: is 101; the limit is 100/],
  [
    'dependencies',
    () => ({ after: Array.from({ length: LIMITS.dependencies + 1 }, () => 'x') }),
    /after: has 101 items; the limit is 100/,
  ],
  ['timeMs', () => ({ timeLimit: 1e300 }), /timeLimit: is 1e\+300; the limit is 315360000/],
  [
    'bodyDepth',
    () => ({ deep: JSON.parse('['.repeat(100) + ']'.repeat(100)), args: ['x'.repeat(70_000)] }),
    /body is nested more than 64 levels deep/,
  ],
  [
    'bodyKeys',
    () => ({ many: Object.fromEntries(Array.from({ length: LIMITS.bodyKeys }, (_, n) => [n, n])) }),
    /body has more than 20000 keys/,
  ],
];

it.each<[keyof typeof LIMITS, () => Record<string, unknown>, RegExp]>(OVER_LIMITS)(
  'over the limit %s is refused by its name, with the limit and the value',
  async (_, over, words) => {
    const problem = await refusal('/api/v1/runs', post(rig.submission(over())));
    expect(problem.code).toMatch(/^(?:invalid_request|too_large)$/);
    expect(problem.detail).toMatch(words);
  },
);

it('every limit of a request has a test', () => {
  const elsewhere = ['runsPerRequest', 'bodyBytes'];
  expect([...OVER_LIMITS.map(([name]) => name), ...elsewhere].sort()).toEqual(Object.keys(LIMITS).sort());
});

it('of more runs than one request may have is refused, and so is one long command among them', async () => {
  const local = { cwd: rig.repository, environment: {}, commands: [['true']] };
  const many = { ...local, commands: Array.from({ length: LIMITS.runsPerRequest + 1 }, () => ['true']) };
  expect((await refusal('/api/local/v1/submit', post(many))).detail).toMatch(/commands: .*10000/);
  const long = { ...local, commands: [['true'], ['x'.repeat(LIMITS.commandBytes)]] };
  expect((await refusal('/api/local/v1/submit', post(long))).detail).toMatch(
    /commands\.1: is longer than 128 KiB/,
  );
});

it('at the limits is taken', async () => {
  const args = Array.from({ length: LIMITS.argumentCount }, () => 'x');
  const run = await rig.submit({ name: 'n'.repeat(LIMITS.nameLength), args, retries: LIMITS.retries });
  expect(run.args).toHaveLength(LIMITS.argumentCount);
});

it('the largest variable that is taken is the largest that a program can be started with', async () => {
  const at = { env: { BIG: 'x'.repeat(LIMITS.variableBytes - 'BIG='.length - 1) } };
  const script = 'test "$(printf %s "$BIG" | wc -c)" = 131067';
  const run = await rig.run(script, { command: 'bash', ...at });
  expect(run).toMatchObject({ status: 'succeeded', exitCode: 0 });
});

it('of time and place hold for the protocol as for the command line', async () => {
  const leaving = ['..', '../..', 'sub/../..', '/', '/etc'];
  for (const cwd of leaving) {
    const problem = await refusal('/api/v1/runs', post(rig.submission({ cwd })));
    expect(problem).toMatchObject({ status: 400, code: 'usage' });
    expect(problem.detail).toBe(`cwd ${JSON.stringify(cwd)} is not a path inside the workspace`);
  }
  const long = 'é'.repeat(128);
  for (const body of [{ cwd: long }, { watch: [`out/${long}`] }]) {
    const problem = await refusal('/api/v1/runs', post(rig.submission(body)));
    expect(problem).toMatchObject({ status: 400, code: 'usage' });
    expect(problem.detail).toContain('…" is too long: a name has at most 255 bytes');
  }
  const resources = { timeMs: LIMITS.timeMs + 1 };
  const local = { cwd: rig.repository, environment: {}, commands: [['true']], resources };
  expect((await refusal('/api/local/v1/submit', post(local))).detail).toMatch(
    /timeMs: is 315360000001; the limit/,
  );
});
