import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requestCancel } from '../../../daemon/supervisor/index.ts';
import { randomFrom } from './random.ts';
import { carriers, fileNames, Rig } from './rig.ts';

test('a wish from before the start: the script is never let go', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('echo ran >$here/ran');
  await requestCancel(run.request);
  const { startedAtMs, exited } = await run.started();
  expect(startedAtMs).toBeNull();
  await exited;
  expect(await run.finished()).toMatchObject({ exitCode: null, cause: 'cancelled', startedAtMs: null });
  expect(await fileNames(run.here)).toEqual([]);
});

test('a wish from after the end changes nothing', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('exit 3');
  await run.complete();
  await requestCancel(run.request);
  expect(await run.finished()).toMatchObject({ exitCode: 3, cause: 'exit' });
});

test('a wish that comes before the exit file counts, even when nobody signalled it', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('echo $$ >$here/pid; mkfifo $here/go; read -r _ <$here/go');
  const { exited } = await run.started();
  await run.said('pid');
  await writeFile(join(run.request.runDir, 'cancel'), '');
  await run.say('go');
  await exited;
  expect(await run.finished()).toMatchObject({ exitCode: 0, cause: 'cancelled' });
});

test('a wish can be repeated', async () => {
  await using rig = await Rig.open();
  const run = await rig.run("trap 'exit 9' TERM; echo $$ >$here/pid; sleep 1011 & wait");
  const { exited } = await run.started();
  await run.said('pid');
  for (let time = 0; time < 5; time += 1) await requestCancel(run.request);
  await exited;
  expect(await run.finished()).toMatchObject({ exitCode: 9, cause: 'cancelled' });
});

test('a wish during the grace period of a time limit: the first cause stays', async () => {
  await using rig = await Rig.open();
  const run = await rig.run("trap 'echo told >$here/told' TERM; while :; do sleep 1012 & wait; done", {
    timeLimitMs: 100,
  });
  const { exited } = await run.started();
  await run.said('told');
  await requestCancel(run.request);
  await exited;
  expect(await run.finished()).toMatchObject({ cause: 'timeout', exitCode: 137 });
});

// A signal between a check and the wait that follows it is the classic way to lose one: then this never ends.
test('a wish at any moment ends the run', { timeout: 60_000 }, async () => {
  const random = randomFrom(7);
  await using rig = await Rig.open();
  for (let round = 0; round < 40; round += 1) {
    const run = await rig.run('exec sleep 1013', { timeLimitMs: 3_600_000 });
    const starting = run.started();
    const turns = random(400);
    for (let turn = 0; turn < turns; turn += 1) await readdir(run.here);
    await requestCancel(run.request);
    const { exited } = await starting;
    await exited;
    expect(await run.finished()).toMatchObject({ cause: 'cancelled' });
    expect(carriers(run.request.runId)).toEqual([]);
  }
});
