// What a decision must not cost: others their turn, and processes.
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { watchLife } from '../../../daemon/box/files/life.ts';
import { takeLock } from '../../../daemon/box/files/locks.ts';
import { BoxRig } from './rig.ts';

test('a decision that changes nothing does not wait for the arbiter', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const [a, b] = [await rig.member('a'), await rig.member('b', { arbiterWaitMs: 600_000 })];
  const { holder } = await a.running();
  a.ask({ priority: 1 });
  await a.box.decide();
  const next = b.ask();
  await b.box.decide();
  const lock = await takeLock(a.box.folders.places.arbiterLock, 0);
  const before = await b.why(next);
  expect(await b.box.decide()).toEqual([]);
  expect(await b.why(next)).toBe(before);
  lock?.release();
  await holder.end();
});

test('the fifo of the next claim is made ahead, and is gone with its daemon', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const a = await rig.member('a');
  const { places, leases } = a.box.folders;
  const { holder } = await a.running();
  const run = a.ask();
  await a.box.decide();
  await holder.end();
  const grant = await a.turnOf(run);
  // It is the run's own by now, and held by us until a supervisor does.
  const life = watchLife(grant.lifePath, () => undefined);
  expect(life).toBeDefined();
  life?.close();
  leases.prepare(a.box.key);
  await leases.dropPrepared();
  expect(existsSync(places.spareLife(a.box.key))).toBe(false);
  a.box.giveBack(run);
});
