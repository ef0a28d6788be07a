import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { requestCancel, scriptPath } from '../../../daemon/supervisor/index.ts';
import { carriers, fileNames, kill, lives, Rig, untilGone } from './rig.ts';

const WAITS = 'echo $$ >$here/pid; exec sleep 1000';

test('a time limit ends the run', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('exec sleep 1000', { timeLimitMs: 150 });
  const end = await run.complete();
  expect(end).toMatchObject({ exitCode: 143, cause: 'timeout', signal: 'TERM' });
  expect((end.finishedAtMs ?? 0) - (end.startedAtMs ?? 0)).toBeGreaterThanOrEqual(150);
});

test('a run that ends before its limit leaves no timer behind', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('true', { timeLimitMs: 3_600_000 });
  const { supervisor, exited } = await run.started();
  await exited;
  // It is told by the end of the supervisor, so it may be there for an instant.
  const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=', '-s', String(supervisor?.pid)]).catch(
    () => ({ stdout: '' }),
  );
  for (const pid of stdout.trim().split('\n').map(Number)) if (pid > 0) await untilGone(pid);
});

test('cancelling ends the whole group', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('sleep 1000 & echo $! >$here/child; echo $$ >$here/pid; wait');
  const { exited } = await run.started();
  const pids = [await run.saidPid('child'), await run.saidPid('pid')];
  await requestCancel(run.request);
  await exited;
  expect(await run.finished()).toMatchObject({ exitCode: 143, cause: 'cancelled', leftBehind: [] });
  expect(pids.filter(lives)).toEqual([]);
});

test('what ignores TERM is killed after the grace period', async () => {
  await using rig = await Rig.open();
  const run = await rig.run(`trap '' TERM; ${WAITS}`);
  const { exited } = await run.started();
  await run.said('pid');
  const asked = process.hrtime.bigint();
  await requestCancel(run.request);
  await exited;
  expect(Number(process.hrtime.bigint() - asked) / 1e6).toBeGreaterThanOrEqual(run.request.graceMs - 20);
  expect(await run.finished()).toMatchObject({ exitCode: 137, cause: 'cancelled', signal: 'KILL' });
});

test('a program that ends itself on TERM keeps its exit code', async () => {
  await using rig = await Rig.open();
  const run = await rig.run("trap 'exit 7' TERM; echo $$ >$here/pid; sleep 1000 & wait");
  const { exited } = await run.started();
  await run.said('pid');
  await requestCancel(run.request);
  await exited;
  expect(await run.finished()).toMatchObject({ exitCode: 7, cause: 'cancelled' });
});

test('a stopped job can be cancelled, and only its group is stopped, never the supervisor', async () => {
  await using rig = await Rig.open();
  const run = await rig.run(WAITS);
  const { exited } = await run.started();
  kill(-(await run.saidPid('pid')), 'SIGSTOP');
  expect(await run.inspect()).toMatchObject({ kind: 'alive' });
  await requestCancel(run.request);
  await exited;
  expect(await run.finished()).toMatchObject({ exitCode: 143, cause: 'cancelled' });
});

test('what the script leaves running is ended and named', async () => {
  await using rig = await Rig.open();
  const run = await rig.run(
    `sleep 1001 & echo $! >$here/group
     setsid sh -c 'echo $$ >$0/session; exec sleep 1002' $here &
     setsid sh -c 'trap "" TERM; echo $$ >$0/stubborn; while :; do sleep 1003; done' $here &
     mkfifo $here/go; read -r _ <$here/go; exit 5`,
  );
  const { exited } = await run.started();
  await Promise.all([run.said('session'), run.said('stubborn')]);
  await run.say('go');
  await exited;
  const end = await run.finished();
  expect(end).toMatchObject({ exitCode: 5, cause: 'exit' });
  const fate = new Map(end.leftBehind.map(({ pid, signal, name }) => [pid, `${signal} ${name}`]));
  expect(fate.get(await run.saidPid('group'))).toBe('TERM sleep');
  expect(fate.get(await run.saidPid('session'))).toBe('TERM sleep');
  expect(fate.get(await run.saidPid('stubborn'))).toBe('KILL sh');
  expect([...fate.keys()].filter(lives)).toEqual([]);
  expect(carriers(run.request.runId)).toEqual([]);
});

test('of a run with devices, what has no environment is ended too: it may be on its way into a program', async () => {
  await using rig = await Rig.open();
  const run = await rig.run(
    `env -i setsid bash -c 'echo $$ >$0/bare; exec -c sleep 1006' $here &
     (unset QWEX_RUN_ID; exec setsid bash -c 'echo $$ >$0/other; exec sleep 1007' $here) &
     mkfifo $here/go; read -r _ <$here/go`,
    { devices: await rig.devices('gpu0') },
  );
  const { exited } = await run.started();
  const [bare, other] = [await run.saidPid('bare'), await run.saidPid('other')];
  await expect.poll(() => readFileSync(`/proc/${bare}/comm`, 'utf8')).toBe('sleep\n');
  await run.say('go');
  await exited;
  try {
    expect((await run.finished()).leftBehind).toEqual([{ pid: bare, signal: 'TERM', name: 'sleep' }]);
    // It has let go of the run on purpose, as a daemon does.
    expect(lives(other)).toBe(true);
  } finally {
    kill(other);
  }
});

test('qwex detach lets a process stay, without token, descriptors and devices', async () => {
  await using rig = await Rig.open();
  // With what the shell has built in: a pipe or a redirection would be a descriptor more for an instant.
  const look =
    'fds=; n=3; while [ $n -lt 40 ]; do [ ! -e /proc/$$/fd/$n ] || fds="$fds $n"; n=$((n + 1)); done';
  const show = `echo $$ >$0/pid; ${look}; echo "open:$fds" >$0/fds; env >$0/env; echo >$0/done; exec sleep 1004`;
  const run = await rig.run(
    `exec 7</dev/null; export CUDA_VISIBLE_DEVICES=0 KEPT=1
     /bin/bash '${scriptPath('detach.sh')}' sh -c '${show}' $here
     mkfifo $here/go; read -r _ <$here/go`,
  );
  const { exited } = await run.started();
  await run.said('done');
  await run.say('go');
  await exited;
  expect(await run.finished()).toMatchObject({ exitCode: 0, leftBehind: [] });
  const pid = await run.saidPid('pid');
  try {
    expect(lives(pid)).toBe(true);
    const environment = (await run.said('env')).split('\n');
    expect(environment).toEqual(expect.arrayContaining(['CUDA_VISIBLE_DEVICES=', 'QWEX_GPUS=', 'KEPT=1']));
    expect(environment.filter((entry) => entry.startsWith('QWEX_RUN_ID='))).toEqual([]);
    expect(await run.said('fds')).toBe('open:');
  } finally {
    kill(pid);
  }
});

test('detach refuses what is not there', async () => {
  const detach = promisify(execFile);
  await expect(detach('/bin/bash', [scriptPath('detach.sh')])).rejects.toMatchObject({ code: 2 });
  await expect(detach('/bin/bash', [scriptPath('detach.sh'), 'no-such-command'])).rejects.toMatchObject({
    code: 127,
  });
});

test('a supervisor that is ended by somebody else ends its run, and does not call it cancelled', async () => {
  await using rig = await Rig.open();
  const run = await rig.run(WAITS);
  const { supervisor, exited } = await run.started();
  await run.said('pid');
  kill(supervisor?.pid ?? 0, 'SIGTERM');
  await exited;
  expect(await run.finished()).toMatchObject({ exitCode: 143, cause: 'signal', signal: 'TERM' });
  expect(await fileNames(rig.path('ended'))).toEqual([run.request.runId]);
});

test.each(['SIGHUP', 'SIGPIPE'] as const)('%s to the supervisor changes nothing', async (signal) => {
  await using rig = await Rig.open();
  const run = await rig.run('mkfifo $here/go; echo $$ >$here/pid; read -r _ <$here/go; exit 4');
  const { supervisor, exited } = await run.started();
  await run.said('pid');
  kill(supervisor?.pid ?? 0, signal);
  await run.say('go');
  await exited;
  expect(await run.finished()).toMatchObject({ exitCode: 4, cause: 'exit' });
});
