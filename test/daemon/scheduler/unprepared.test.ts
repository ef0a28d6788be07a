// Turns that come before their run is prepared: devices go to whoever can use them at once, and nobody loses a place.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LineRig } from './line-rig.ts';

/** One device, held; a run that is being prepared; another member behind it. */
async function crowded() {
  const rig = await LineRig.open();
  const other = await rig.box.member('other');
  const { holder } = await other.running();
  const run = rig.submit(1);
  await rig.untilClaimed(run);
  const behind = other.ask();
  await other.box.decide();
  return { rig, other, holder, run, behind };
}

test('no device waits for git: the next one who is prepared goes first', async () => {
  const { rig, other, holder, run, behind } = await crowded();
  await using _ = rig;
  await holder.end();
  const going = await other.start(await other.turnOf(behind));
  const later = other.ask();
  const turn = rig.grant(run);
  await rig.untilPrepared(run);
  // It has kept its place, before who came later.
  await going.end();
  expect((await turn).devices).toEqual(['gpu0']);
  expect(await other.box.decide()).toEqual([]);
  expect(await other.why(later)).toContain('gpu0 held by');
});

test('a free device is its own as soon as it is prepared, and it says what it waits for until then', async () => {
  await using rig = await LineRig.open();
  const other = await rig.box.member('other');
  const asked = other.ask({ prepared: false });
  expect(await other.box.decide()).toEqual([]);
  expect(other.box.unprepared()).toEqual([asked]);
  expect(await other.why(asked)).toBe(
    'its turn has come; it starts as soon as its copy of the code is there',
  );
  const run = rig.submit(1);
  await rig.untilClaimed(run);
  expect((await rig.grant(run)).devices).toEqual(['gpu0']);
  expect(await other.box.decide()).toEqual([]);
  expect(await other.why(asked)).toMatch(/^first in line; needs 1 GPU, 0 free: gpu0 held by/);
});

test('as many are prepared at once as there are devices for, and two more', async () => {
  await using rig = await LineRig.open({ devices: 4 });
  const ids = Array.from({ length: 8 }, () => rig.submit(1));
  await rig.untilClaimed(...ids.slice(0, 4));
  const grants = await Promise.all(ids.slice(0, 4).map((id) => rig.grant(id)));
  expect(grants.flatMap(({ devices }) => devices).sort()).toEqual(['gpu0', 'gpu1', 'gpu2', 'gpu3']);
  rig.line.wake();
  await rig.untilClaimed(...ids.slice(4, 6));
  expect(rig.claimed).toEqual(ids.slice(0, 6));
});

test('whoever gives devices back gets none before it waits again', async () => {
  const { rig, other, holder, run, behind } = await crowded();
  await using _ = rig;
  const turn = rig.grant(run);
  await rig.untilPrepared(run);
  await holder.end();
  await turn;
  rig.line.giveBack(run);
  expect(await other.turnOf(behind)).toMatchObject({ run: behind });
});

test('what an earlier daemon had prepared is not prepared for the next one', async () => {
  await using rig = await LineRig.open();
  const other = await rig.box.member('other');
  const { holder } = await other.running();
  const earlier = await rig.box.member('third');
  const run = earlier.ask();
  await earlier.leave();
  const behind = other.ask();
  await rig.box.member('third');
  expect(JSON.parse(readFileSync(other.box.folders.places.ticket(run), 'utf8'))).toMatchObject({
    prepared: false,
  });
  await holder.end();
  expect(await other.turnOf(behind)).toMatchObject({ run: behind });
});
