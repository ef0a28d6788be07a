// The order of the line, when several daemons decide one after another before the first of them has taken its devices.
import { expect, test } from 'vitest';
import { BoxRig } from './rig.ts';

test('who is second stays second, whoever decides before the first has taken what is free', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const [holder, first, second] = [await rig.member('h'), await rig.member('a'), await rig.member('b')];
  const going = await holder.running();
  const one = first.ask();
  second.ask();
  for (const member of [first, second]) expect(await member.box.decide()).toEqual([]);
  await going.holder.end();
  // It decides for all, and its own run has ended: the device is for the first.
  expect(await holder.box.decide()).toEqual([]);
  expect(await second.box.decide()).toEqual([]);
  expect(await second.box.decide()).toEqual([]);
  expect(await first.box.decide()).toMatchObject([{ run: one, devices: ['gpu0'] }]);
});
