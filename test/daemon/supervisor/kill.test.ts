// Killing at moments that no fault point names, and killing the job instead of its supervisor.

import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { watchDeath } from '../../../daemon/supervisor/index.ts';
import { randomFrom } from './random.ts';
import { carriers, fileNames, kill, lives, Rig, type TestRun } from './rig.ts';

test('kill -9 of the job: its code is 137', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('echo $$ >$here/pid; exec sleep 1008');
  const { exited } = await run.started();
  kill(await run.saidPid('pid'));
  await exited;
  expect(await run.finished()).toMatchObject({ exitCode: 137, cause: 'signal', signal: 'KILL' });
});

test('kill -9 of the leader alone: its children are ended and named', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('sleep 1009 & echo $! >$here/child; echo $$ >$here/pid; wait');
  const { exited } = await run.started();
  const child = await run.saidPid('child');
  kill(await run.saidPid('pid'));
  await exited;
  expect(await run.finished()).toMatchObject({
    exitCode: 137,
    leftBehind: [{ pid: child, signal: 'TERM', name: 'sleep' }],
  });
  expect(lives(child)).toBe(false);
});

test('kill -9 of the whole group', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('sleep 1010 & echo $$ >$here/pid; wait');
  const { exited } = await run.started();
  kill(-(await run.saidPid('pid')));
  await exited;
  expect(await run.finished()).toMatchObject({ exitCode: 137, cause: 'signal', signal: 'KILL' });
});

/** Lets an arbitrary number of short system calls pass, then kills the supervisor, if it is still there. */
async function killSoon(run: TestRun, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await readdir(run.here);
  for (const pid of supervisorsOf(run)) kill(pid);
}

function supervisorsOf(run: TestRun): number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ');
  return children.map(Number).filter((pid) => pid > 0 && isSupervisor(pid, run.request.runDir));
}

function isSupervisor(pid: number, runDir: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(runDir, 'supervise.sh'));
  } catch {
    return false;
  }
}

/** Brings the run to its end as the daemon would: starts what never ran, adopts what lost its supervisor, waits otherwise. */
async function recover(run: TestRun): Promise<string[]> {
  const seen: string[] = [];
  for (let attempt = 2; ; attempt += 1) {
    const found = await run.inspect();
    seen.push(found.kind);
    const ran = (await fileNames(run.here)).includes('count');
    if (found.kind === 'never_ran') {
      expect(ran, 'never ran, and yet it did').toBe(false);
      const started = await run.start({ attempt });
      if (started.kind === 'started') await started.exited;
    } else if (found.kind === 'orphan' || found.kind === 'lost') {
      await (await run.adopted()).exited;
    } else if (found.kind === 'finished') {
      return seen;
    } else {
      // What a helper was just doing for it (a rename, taking the lock) may end an instant later.
      await new Promise<void>((resolve) => watchDeath(run.request, resolve));
    }
  }
}

test('60 kills at random moments: never twice, never unrecorded, never stuck', {
  timeout: 120_000,
}, async () => {
  const random = randomFrom(20_240_607);
  const states = new Set<string>();
  await using rig = await Rig.open();
  for (let round = 0; round < 60; round += 1) {
    const run = await rig.run('echo $$ >>$here/count; sleep 0.00$((RANDOM % 9)); exit 3', {
      timeLimitMs: 3_600_000,
    });
    const starting = run.start();
    await killSoon(run, random(round % 3 === 0 ? 1200 : 500));
    const started = await starting;
    if (started.kind === 'started') await started.exited;
    for (const state of await recover(run)) states.add(state);

    const end = await run.finished();
    const count = (await fileNames(run.here)).includes('count')
      ? (await run.said('count')).split('\n').length
      : 0;
    expect(count).toBeLessThanOrEqual(1);
    if (end.exitCode === null) expect(end.cause).toBe('lost');
    else expect({ count, exitCode: end.exitCode }).toEqual({ count: 1, exitCode: 3 });
    expect(carriers(run.request.runId)).toEqual([]);
    expect(await run.start({ attempt: 99 })).toEqual({ kind: 'claimed' });
  }
  expect(states).toContain('never_ran');
  expect(states).toContain('finished');
});
