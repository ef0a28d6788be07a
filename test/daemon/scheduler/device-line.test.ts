import { expect, test } from 'vitest';
import { LineRig } from './line-rig.ts';

test('every ready run has a ticket, and the first two are prepared ahead', async () => {
  await using rig = await LineRig.open();
  const first = rig.submit(1);
  await rig.untilClaimed(first);
  expect(await rig.grant(first)).toMatchObject({ run: first, devices: ['gpu0'] });
  const [second = '', third = '', fourth = ''] = [1, 1, 1].map((gpus) => rig.submit(gpus));
  // The one with the device doesn't count any more.
  await rig.untilClaimed(second, third);
  expect(rig.claimed).toEqual([first, second, third]);
  expect(rig.tickets().sort()).toEqual([first, second, third, fourth].sort());
});

test('a grant that is given back is given again, to the same run', async () => {
  await using rig = await LineRig.open();
  const id = rig.submit(1);
  await rig.untilClaimed(id);
  await rig.grant(id);
  rig.line.giveBack(id);
  expect((await rig.grant(id)).devices).toEqual(['gpu0']);
});

test('a cancel wish and a hold end the wait, and so does the end of the daemon', async () => {
  await using rig = await LineRig.open();
  const holder = rig.submit(1);
  await rig.untilClaimed(holder);
  await rig.grant(holder);
  const [cancelled = '', held = '', last = ''] = [1, 1, 1].map((gpus) => rig.submit(gpus));
  await rig.untilClaimed(cancelled);
  const turn = rig.line.turnOf(cancelled);
  rig.runs.store.requestCancel(cancelled);
  expect(await turn).toEqual({ kind: 'interrupted' });
  await rig.untilClaimed(held);
  // While it is still being prepared: as soon as it is.
  expect(rig.line.withdraw(held)).toBe(true);
  expect(await rig.line.turnOf(held)).toEqual({ kind: 'withdrawn' });
  expect(rig.line.withdraw(holder)).toBe(false);
  rig.line.leave(cancelled);
  rig.line.leave(held);
  await rig.untilClaimed(last);
  const waiting = rig.line.turnOf(last);
  await rig.line.stop();
  expect(await waiting).toEqual({ kind: 'interrupted' });
});

test.each([
  ['a pause', (rig: LineRig, on: boolean) => rig.runs.store.setPaused(on)],
  [
    'a full disk',
    (rig: LineRig, on: boolean) => {
      rig.fault = on ? 'the disk is full' : null;
      rig.line.wake();
    },
  ],
])('%s takes all tickets out of the line, and its end brings them back', async (_, forbid) => {
  await using rig = await LineRig.open();
  const holder = rig.submit(1);
  await rig.untilClaimed(holder);
  await rig.grant(holder);
  const next = rig.submit(1);
  await rig.untilClaimed(next);
  const waiting = rig.grant(next);
  forbid(rig, true);
  rig.line.giveBack(holder);
  rig.runs.store.cancel(holder, { reason: 'cancelled' });
  rig.line.leave(holder);
  const third = rig.submit(1);
  forbid(rig, false);
  expect((await waiting).run).toBe(next);
  expect(rig.tickets()).not.toContain(holder);
  // It has started.
  rig.line.leave(next);
  await rig.untilClaimed(third);
});

test('a box that cannot be used is said in the reason of every run that needs it', async () => {
  const broken = async (): Promise<void> => {
    throw new Error('no such luck');
  };
  await using rig = await LineRig.open({ beforeOpen: broken });
  const id = rig.submit(1);
  expect(rig.line.explain(id)).toEqual({
    words: 'no devices: the box cannot be used: no such luck',
    position: null,
    expectedMs: null,
  });
  expect(rig.line.timeLimitMs({ timeMs: null })).toBeNull();
  expect(rig.line.noDevices()).toEqual({});
  expect(rig.logged).toHaveLength(1);
});

test('under a shared box a run without a limit has that of the box', async () => {
  await using rig = await LineRig.open();
  expect(rig.line.timeLimitMs({ timeMs: null })).toBe(12 * 3_600_000);
  expect(rig.line.timeLimitMs({ timeMs: 1000 })).toBe(1000);
  expect(rig.line.noDevices()).toMatchObject({ QWEX_GPUS: '', CUDA_VISIBLE_DEVICES: '' });
});
