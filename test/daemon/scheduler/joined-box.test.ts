// Which box a daemon takes part in, when that changes while it runs.
import { rename } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { initBox } from '../../../daemon/box/index.ts';
import { LineRig } from './line-rig.ts';

const devices = [{ id: 'gpu0', uuid: 'X', type: 'x', memoryMb: 0 }];

function makeBox(path: string): Promise<void> {
  return initBox({ path, source: 'declared', devices, defaultTimeMs: 1000 });
}

/** A line whose shared box is not there yet. */
function waitingForBox(retryMs: number): Promise<LineRig> {
  return LineRig.open({ retryMs }, (rig) => {
    rig.meant = rig.later;
  });
}

test('a box that is made later is found when a run wants it', async () => {
  await using rig = await waitingForBox(600_000);
  const first = rig.submit(1);
  expect(rig.line.explain(first).words).toContain(`no devices: there is no box: ${rig.later}`);
  await makeBox(rig.later);
  const second = rig.submit(1);
  await rig.untilClaimed(first, second);
  expect((await rig.grant(first)).leasePath).toContain(rig.later);
  expect(rig.line.problem).toBeNull();
  // Whose setting is wrong is told; the daemon has nothing to mend.
  expect(rig.logged).toEqual(['warn: the box cannot be used']);
});

test('or by itself after a while, as long as one waits', async () => {
  await using rig = await waitingForBox(20);
  const run = rig.submit(1);
  await makeBox(rig.later);
  await rig.untilClaimed(run);
  expect((await rig.grant(run)).devices).toEqual(['gpu0']);
});

test('a driver that failed is asked again when somebody looks', async () => {
  let isWell = false;
  const beforeOpen = async () => {
    if (!isWell) throw new Error('the driver sulks');
  };
  await using rig = await LineRig.open({ beforeOpen }, (line) => {
    line.meant = null;
  });
  await makeBox(rig.own);
  expect(rig.line.problem).toContain('the driver sulks');
  expect(rig.logged).toEqual(['error: the box cannot be used']);
  isWell = true;
  await rig.line.again();
  expect(rig.line.problem).toBeNull();
  const run = rig.submit(1);
  await rig.untilClaimed(run);
  expect((await rig.grant(run)).leasePath).toContain(rig.own);
});

/** A line in a box of its own, on a machine that then gets a shared one. */
async function alone(): Promise<LineRig> {
  const rig = await LineRig.open({}, (line) => {
    line.meant = null;
    line.prepared = makeBox(line.own);
  });
  expect(rig.line.isShared).toBe(false);
  return rig;
}

test('a shared box takes the place of the private one when nothing is held there', async () => {
  await using rig = await alone();
  rig.meant = rig.box.root;
  await rig.line.known();
  // What is submitted now is under its rules.
  expect(rig.line.isShared).toBe(true);
  const run = rig.submit(1);
  await rig.untilClaimed(run);
  expect((await rig.grant(run)).leasePath).toContain(rig.box.root);
  rig.meant = null;
  await rig.line.again();
  expect(rig.line.isShared).toBe(true);
});

test('and not before: nothing starts meanwhile, and who waits is told why', async () => {
  await using rig = await alone();
  const [holder, next] = [rig.submit(1), rig.submit(1)];
  await rig.untilClaimed(holder, next);
  await rig.grant(holder);
  rig.meant = rig.box.root;
  const turn = rig.grant(next);
  await rig.line.known();
  const why = `when yours on the devices of ${rig.own} have ended: from then on the box is ${rig.box.root}`;
  expect(rig.line.explain(next).words).toContain(why);
  expect(rig.line.notice).toContain(why);
  rig.line.giveBack(holder);
  rig.runs.store.cancel(holder, { reason: 'cancelled' });
  rig.line.leave(holder);
  expect((await turn).leasePath).toContain(rig.box.root);
  expect(rig.line.notice).toBeNull();
});

test('a setting that names no box keeps nobody from the one that there is', async () => {
  await using rig = await LineRig.open();
  rig.meant = rig.later;
  const run = rig.submit(1);
  await rig.untilClaimed(run);
  expect((await rig.grant(run)).leasePath).toContain(rig.box.root);
  expect(rig.line.notice).toContain(`still in ${rig.box.root}: there is no box: ${rig.later}`);
  rig.meant = rig.box.root;
  expect(rig.line.notice).toBeNull();
});

test('a box that is made anew under us is joined anew, so that the others see us', async () => {
  await using rig = await LineRig.open();
  // At once: who takes part in it may be writing there.
  await rename(rig.box.root, `${rig.box.root}.former`);
  await makeBox(rig.box.root);
  const run = rig.submit(1);
  await rig.untilClaimed(run);
  expect((await rig.grant(run)).devices).toEqual(['gpu0']);
  const other = await rig.box.member('other');
  const { survey } = await other.box.look();
  expect(survey.daemons.map(({ isAlive, wokenMs }) => [isAlive, wokenMs === null])).toEqual([
    [true, false],
    [true, false],
  ]);
});
