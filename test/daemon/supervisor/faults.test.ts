// The supervisor killed at each of its transitions: the folder must tell the truth, and what follows must be right.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  inspectNamed,
  requestCancel,
  type StartResult,
  scriptPath,
  startSupervisor,
} from '../../../daemon/supervisor/index.ts';
import { carriers, fileNames, kill, Rig, type TestRun, untilGone } from './rig.ts';

const RUNS = 'echo $$ >>$here/count; exit 3';
const BEFORE_IT_RAN = ['lock', 'devices', 'claim_created', 'claim', 'gate', 'forked'];
const PERHAPS = ['pid', 'started_at'];
const WHILE_IT_RAN = ['go', 'timer', 'announced'];
const AFTER_IT_RAN = ['job_ended', 'swept', 'devices_released', 'finished_at', 'facts'];
const DONE = ['exit_code', 'ended', 'daemon'];
const ADOPTING = ['adopted'];

const timesRun = async (run: TestRun): Promise<number> =>
  (await fileNames(run.here)).includes('count') ? (await run.said('count')).split('\n').length : 0;

/** Starts with a kill at this point and waits until neither the supervisor nor its job is there. */
async function killedAt(run: TestRun, faultPoint: string): Promise<StartResult> {
  const result = await run.start({ faultPoint, timeLimitMs: 3_600_000 });
  if (result.kind === 'started') {
    expect((await result.exited).signal).toBe('SIGKILL');
    await run.gone();
  } else {
    expect(result).toMatchObject({ kind: 'failed', message: expect.stringContaining('SIGKILL') });
  }
  return result;
}

test('the list of transitions is the one in the scripts', () => {
  const text = readFileSync(scriptPath('supervise.sh'), 'utf8');
  const points = [...text.matchAll(/\bfault ([a-z_]+)/g)].map(([, name]) => name);
  const tested = [BEFORE_IT_RAN, PERHAPS, WHILE_IT_RAN, AFTER_IT_RAN, DONE, ADOPTING].flat();
  expect(points.sort()).toEqual(tested.sort());
});

test.each(BEFORE_IT_RAN)('killed at %s: never ran, and the next attempt runs it once', async (point) => {
  await using rig = await Rig.open();
  const run = await rig.run(RUNS);
  expect((await killedAt(run, point)).kind).toBe('failed');
  expect(await run.inspect()).toEqual({ kind: 'never_ran' });
  const claimed = ['claim_created', 'claim', 'gate', 'forked'].includes(point);
  const same = await run.start();
  expect(same.kind).toBe(claimed ? 'claimed' : 'started');
  if (same.kind === 'started') await same.exited;
  else await (await run.started({ attempt: 2 })).exited;
  expect(await run.finished()).toMatchObject({ exitCode: 3, cause: 'exit' });
  expect(await timesRun(run)).toBe(1);
});

test.each(PERHAPS)(
  'killed at %s: it can not have run, but counts as lost, and no attempt follows',
  async (point) => {
    await using rig = await Rig.open();
    const run = await rig.run(RUNS);
    await killedAt(run, point);
    expect(await run.inspect()).toEqual({ kind: 'lost' });
    expect(await run.start({ attempt: 2 })).toEqual({ kind: 'claimed' });
    await (await run.adopted()).exited;
    expect(await run.finished()).toMatchObject({ exitCode: null, cause: 'lost' });
    expect(await timesRun(run)).toBe(0);
  },
);

test.each([...WHILE_IT_RAN, ...AFTER_IT_RAN])(
  'killed at %s: lost once the job is gone, and no attempt follows',
  async (point) => {
    await using rig = await Rig.open();
    const run = await rig.run(RUNS);
    await killedAt(run, point);
    expect(await run.inspect()).toEqual({ kind: 'lost' });
    expect(await run.start({ attempt: 2 })).toEqual({ kind: 'claimed' });
    await (await run.adopted()).exited;
    expect(await run.finished()).toMatchObject({ exitCode: null, cause: 'lost' });
    expect(await timesRun(run)).toBe(1);
    expect(await fileNames(rig.path('ended'))).toEqual([run.request.runId]);
  },
);

test.each(['', '3'])(
  'killed in the middle of writing the exit code (%j): lost, and the rest is written anew',
  async (text) => {
    await using rig = await Rig.open();
    const run = await rig.run(RUNS);
    await killedAt(run, 'facts');
    await writeFile(join(run.request.runDir, 'meta', 'exit_code'), text);
    await (await run.adopted()).exited;
    expect(await run.finished()).toMatchObject({ exitCode: null, cause: 'lost' });
    expect(await timesRun(run)).toBe(1);
  },
);

test.each(DONE)('killed at %s: finished', async (point) => {
  await using rig = await Rig.open();
  const run = await rig.run(RUNS, { startDaemon: ['/bin/true'] });
  await killedAt(run, point);
  expect(await run.finished()).toMatchObject({ exitCode: 3, cause: 'exit' });
  expect(await run.start({ attempt: 2 })).toEqual({ kind: 'claimed' });
  expect(await timesRun(run)).toBe(1);
});

test.each(['go', 'timer', 'announced'])(
  'killed at %s with the job alive: an orphan, until it is adopted and gone',
  async (point) => {
    await using rig = await Rig.open();
    const run = await rig.run('echo $$ >>$here/count; mkfifo $here/go; read -r _ <$here/go');
    const { exited } = await run.started({ faultPoint: point, timeLimitMs: 3_600_000 });
    await exited;
    await run.said('count');
    expect(await run.inspect()).toMatchObject({ kind: 'orphan', job: { pid: run.jobPid } });
    const { supervisor, exited: ended } = await run.adopted();
    expect(await run.inspect()).toMatchObject({ kind: 'alive', supervisor });
    await run.say('go');
    await ended;
    expect(await run.finished()).toMatchObject({ exitCode: null, cause: 'lost', leftBehind: [] });
  },
);

test('whoever adopts may be killed too', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('echo $$ >$here/pid; mkfifo $here/go; read -r _ <$here/go');
  await (await run.started({ faultPoint: 'announced' })).exited;
  await run.said('pid');
  for (const faultPoint of ['adopted', 'lock', 'adopted']) {
    const result = await run.adopt({ faultPoint });
    if (result.kind === 'adopted') await result.exited;
    expect(await run.inspect()).toMatchObject({ kind: 'orphan' });
  }
  const { exited } = await run.adopted();
  kill(await run.saidPid('pid'));
  await exited;
  expect(await run.finished()).toMatchObject({ cause: 'lost' });
});

test.each(['job_ended', 'swept', 'finished_at', 'facts', 'exit_code'])(
  'whoever adopts killed at %s: the next one completes it',
  async (faultPoint) => {
    await using rig = await Rig.open();
    const run = await rig.run(RUNS);
    await killedAt(run, 'announced');
    const result = await run.adopt({ faultPoint });
    if (result.kind === 'adopted') await result.exited;
    if ((await run.inspect()).kind === 'lost') await (await run.adopted()).exited;
    expect(await run.finished()).toMatchObject({ exitCode: null, cause: 'lost' });
    expect(await timesRun(run)).toBe(1);
  },
);

test('what escaped a lost run is ended by whoever adopts it', async () => {
  await using rig = await Rig.open();
  const run = await rig.run(
    "setsid sh -c 'echo $$ >$0/pid; exec sleep 1005' $here & mkfifo $here/go; read -r _ <$here/go",
  );
  const { exited } = await run.started({ faultPoint: 'job_ended' });
  const escaped = await run.saidPid('pid');
  await run.say('go');
  await exited;
  expect(await run.inspect()).toEqual({ kind: 'lost' });
  await (await run.adopted()).exited;
  expect(await run.finished()).toMatchObject({
    cause: 'lost',
    leftBehind: [{ pid: escaped, signal: 'TERM', name: 'sleep' }],
  });
  expect(carriers(run.request.runId)).toEqual([]);
});

test('a pid file of another boot, or one cut short, is read for what it is', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('echo $$ >$here/pid; mkfifo $here/go; read -r _ <$here/go');
  await (await run.started({ faultPoint: 'announced' })).exited;
  await run.said('pid');
  const path = join(run.request.runDir, 'meta', 'pid');
  const line = readFileSync(path, 'utf8');
  await writeFile(path, line.replace(/[0-9a-f-]{36}/, '00000000-0000-4000-8000-000000000000'));
  expect(await run.inspect()).toEqual({ kind: 'lost' });
  await writeFile(path, line.trimEnd());
  expect(await run.inspect()).toEqual({ kind: 'never_ran' });
  await writeFile(path, line);
  expect(await run.inspect()).toMatchObject({ kind: 'orphan' });
});

test('whose lock nobody has put a name to is waited for, and then known', async () => {
  await using rig = await Rig.open();
  const run = await rig.run(RUNS);
  await killedAt(run, 'claim');
  // As the child does that it would have forked, for an instant.
  const path = join(run.request.localDir, 'supervisor.lock');
  const child = spawn('flock', [path, 'sh', '-c', 'echo held; read _'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  expect(await run.inspect()).toEqual({ kind: 'alive', supervisor: null, startedAtMs: null });
  const found = inspectNamed(run.request);
  child.stdin.end('\n');
  expect(await found).toEqual({ kind: 'never_ran' });
});

test('a pid that was cut short by a full disk does not stand in the way of the next attempt', async () => {
  await using rig = await Rig.open();
  const run = await rig.run(RUNS);
  await killedAt(run, 'forked');
  await writeFile(join(run.request.runDir, 'meta', 'pid'), '12');
  expect(await run.inspect()).toEqual({ kind: 'never_ran' });
  await (await run.started({ attempt: 2 })).exited;
  expect(await run.finished()).toMatchObject({ exitCode: 3 });
  expect(await timesRun(run)).toBe(1);
});

test('a claim of another boot without a pid may have been a run: lost', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('true');
  await writeFile(join(run.request.runDir, 'claim.1'), '4 5 00000000-0000-4000-8000-000000000000\n');
  expect(await run.inspect()).toEqual({ kind: 'lost' });
});

test('a wish to cancel holds at each point before the script was let go', async () => {
  for (const faultPoint of [undefined, ...BEFORE_IT_RAN]) {
    await using rig = await Rig.open();
    const run = await rig.run(RUNS);
    if (faultPoint !== undefined) await killedAt(run, faultPoint);
    await requestCancel(run.request);
    await (await run.started({ attempt: 2 })).exited;
    expect(await run.finished()).toMatchObject({ exitCode: null, cause: 'cancelled', startedAtMs: null });
    expect(await timesRun(run)).toBe(0);
  }
});

test('cancel and time limit reach an orphan through whoever adopts it', async () => {
  await using rig = await Rig.open();
  const cancelled = await rig.run('echo $$ >$here/pid; exec sleep 1006');
  const late = await rig.run('echo $$ >$here/pid; exec sleep 1007', { timeLimitMs: 100 });
  for (const run of [cancelled, late]) {
    await (await startAnnounced(run)).exited;
    await run.said('pid');
  }
  const [first, second] = [await cancelled.adopted(), await late.adopted()];
  await requestCancel(cancelled.request);
  await Promise.all([first.exited, second.exited]);
  expect(await cancelled.finished()).toMatchObject({ exitCode: null, cause: 'cancelled' });
  expect(await late.finished()).toMatchObject({ exitCode: null, cause: 'timeout' });
});

async function startAnnounced(run: TestRun) {
  const result = await startSupervisor({ ...run.request, faultPoint: 'announced' });
  if (result.kind !== 'started') throw new Error(`not started: ${JSON.stringify(result)}`);
  return result;
}

test('a killed supervisor leaves no timer behind', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('echo $$ >$here/pid; mkfifo $here/go; read -r _ <$here/go', {
    timeLimitMs: 3_600_000,
  });
  const { supervisor, exited } = await run.started({ faultPoint: 'announced' });
  await exited;
  await run.said('pid');
  const session = (await readdir('/proc')).filter((name) => sessionOf(name) === supervisor?.pid).map(Number);
  for (const pid of session.filter((member) => member !== run.jobPid)) await untilGone(pid); // times out if it stays
  expect(await run.inspect()).toMatchObject({ kind: 'orphan' });
});

function sessionOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : Number(fields[3]);
  } catch {
    return undefined;
  }
}
