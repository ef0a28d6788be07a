// Turns that come before their run is prepared: nobody loses their place to their own git.
import { statSync, utimesSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LineRig } from './line-rig.ts';

/** How long they are kept at most: what takes as long has not been given back. */
const KEPT_MS = 8000;

/** One device, held; a run that is being prepared; another member behind it. */
async function crowded(keepMs?: number) {
  const rig = await LineRig.open(keepMs === undefined ? {} : { keepMs });
  const other = await rig.box.member('other');
  const { holder } = await other.running();
  const run = rig.submit(1);
  await rig.untilClaimed(run);
  const behind = other.ask();
  await other.box.decide();
  return { rig, other, holder, run, behind };
}

test('the devices are kept while it is prepared, and are its own at once when it is', async () => {
  const { rig, other, holder, run, behind } = await crowded();
  await using _ = rig;
  await holder.end();
  await rig.untilLeased(run);
  expect(await other.box.decide()).toEqual([]);
  expect((await rig.grant(run)).devices).toEqual(['gpu0']);
  expect(await other.why(behind)).toContain('gpu0 held by');
});

test('not for ever: then the next one goes first, and it has its place again when it is ready', async () => {
  const { rig, other, holder, run, behind } = await crowded(1);
  await using _ = rig;
  await holder.end();
  const grant = await other.turnOf(behind);
  const going = await other.start(grant);
  const later = other.ask();
  const ticket = other.box.folders.places.ticket(run);
  utimesSync(ticket, 1, 1);
  const turn = rig.grant(run);
  // Whoever has seen it miss its turn learns that it is ready.
  expect(statSync(ticket).mtimeMs).toBeGreaterThan(1000);
  await going.end();
  expect((await turn).devices).toEqual(['gpu0']);
  expect(await other.box.decide()).toEqual([]);
  expect(await other.why(later)).toContain('gpu0 held by');
});

test.each([
  ['it is held', (rig: LineRig, run: string) => void rig.line.withdraw(run)],
  ['it is cancelled', (rig: LineRig, run: string) => rig.line.leave(run)],
  ['the queue is paused', (rig: LineRig) => rig.runs.store.setPaused(true)],
  ['the daemon stops', (rig: LineRig) => void rig.line.stop()],
])(
  'they go to the next one when %s',
  async (_, end) => {
    const { rig, other, holder, run, behind } = await crowded();
    await using _rig = rig;
    await holder.end();
    await rig.untilLeased(run);
    const turn = other.turnOf(behind);
    rig.runs.store.cancel(run, { reason: 'cancelled' });
    end(rig, run);
    rig.line.wake();
    expect((await turn).devices).toEqual(['gpu0']);
  },
  KEPT_MS - 1000,
);
