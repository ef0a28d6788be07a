import { execFileSync } from 'node:child_process';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Inspection, watchDeath, watchEnded } from '../../../daemon/supervisor/index.ts';
import { kill, Rig, type TestRun } from './rig.ts';

const WAITS = 'mkfifo $here/go; echo $$ >$here/pid; read -r _ <$here/go';

function nextCall<T = void>(): { promise: Promise<T>; call: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { promise, call: resolve };
}

/** The fifo may tell of a death an instant before the lock is free: whoever finds the run alive then watches again. */
async function foundDead(run: TestRun): Promise<Inspection> {
  for (;;) {
    const found = await run.inspect();
    if (found.kind !== 'alive') return found;
    const death = nextCall();
    watchDeath(run.request, death.call);
    await death.promise;
  }
}

test('tells of runs that had ended before, and of those that end', async () => {
  await using rig = await Rig.open();
  const before = await rig.run('true');
  await before.complete();
  const told: string[] = [];
  const fresh = nextCall<string>();
  const run = await rig.run('exit 1');
  const ended = watchEnded(
    rig.path('ended'),
    (runId) => {
      told.push(runId);
      if (runId === run.request.runId) fresh.call(runId);
    },
    (error) => expect.unreachable(String(error)),
  );
  await ended.ready;
  expect(told).toEqual([before.request.runId]);
  await run.started();
  await fresh.promise;
  expect(await run.finished()).toMatchObject({ exitCode: 1 }); // the file comes after everything else
  await ended.close();
});

test('a supervisor that dies is noticed through its fifo', async () => {
  await using rig = await Rig.open();
  const run = await rig.run(WAITS);
  const { supervisor } = await run.started();
  await run.said('pid');
  const death = nextCall();
  const watch = watchDeath(run.request, death.call);
  kill(supervisor?.pid ?? 0);
  await death.promise;
  expect(await foundDead(run)).toMatchObject({ kind: 'orphan' });
  watch.close();
});

test('an end is noticed too, and a closed watch says nothing', async () => {
  await using rig = await Rig.open();
  const run = await rig.run(WAITS);
  await run.started();
  await run.said('pid');
  const death = nextCall();
  watchDeath(run.request, () => expect.unreachable('closed')).close();
  watchDeath(run.request, death.call);
  await run.say('go');
  await death.promise;
  expect(await foundDead(run)).toMatchObject({ kind: 'finished' });
});

test.each(['gone', 'without a writer'])('a fifo that is %s: the lock tells', async (how) => {
  await using rig = await Rig.open();
  const run = await rig.run(WAITS);
  const { supervisor, exited } = await run.started();
  await run.said('pid');
  const life = join(run.request.localDir, 'life');
  await rename(life, `${life}.aside`);
  if (how === 'without a writer') execFileSync('mkfifo', [life]);
  const death = nextCall();
  let dead = false;
  watchDeath(run.request, () => {
    dead = true;
    death.call();
  });
  watchDeath(run.request, () => expect.unreachable('closed')).close();
  expect(await run.inspect()).toMatchObject({ kind: 'alive' });
  expect(dead).toBe(false);
  kill(supervisor?.pid ?? 0);
  await Promise.all([death.promise, exited]);
  expect(await foundDead(run)).toMatchObject({ kind: 'orphan' });
});

test('where no supervisor ever was, death is told at once', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('true');
  const death = nextCall();
  watchDeath(run.request, death.call);
  await death.promise;
  await writeFile(join(run.request.localDir, 'supervisor.lock'), '');
  const again = nextCall();
  watchDeath(run.request, again.call);
  await again.promise;
  await rm(join(run.request.localDir, 'supervisor.lock'));
});
