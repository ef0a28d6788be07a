// Devices that are kept for those who wait: the first in line, and the next run of every other member.
import { expect, test } from 'vitest';
import { planBox } from '../../../daemon/box/plan/plan.ts';
import type { PlanDevice } from '../../../daemon/box/plan/types.ts';
import { HOUR_MS, machine, ticket, view } from './machines.ts';

/** gpu0 and gpu1 held for two hours by member 9, three free. */
const devices: PlanDevice[] = machine(5).map((device, index) =>
  index > 1
    ? device
    : {
        ...device,
        state: { kind: 'leased', run: 'held', member: 9, sinceMs: 0, untilMs: 2 * HOUR_MS },
      },
);

/** Needs four, at two; and five, at three. One device is free until three, by that. */
const first = ticket('a', { member: 1, gpus: 4 });
const second = ticket('b', { member: 2, gpus: 5, seniorityMs: 1 });
const small = (hours: number, member = 3) => ticket('c', { member, timeMs: hours * HOUR_MS, seniorityMs: 2 });

function decide(...tickets: ReturnType<typeof ticket>[]) {
  const { grants, waiting, reservation } = planBox(view({ devices, tickets }), 0);
  return { grants: grants.map(({ run }) => run), waiting, reservation };
}

test('a long small run does not hold up the second in line, and learns whom it would', () => {
  expect(decide(first, second, small(3)).grants).toEqual(['c']);
  const { grants, waiting, reservation } = decide(first, second, small(4));
  expect(grants).toEqual([]);
  expect(reservation?.run).toBe('a');
  expect(waiting[2]?.reason).toEqual({
    kind: 'reserved',
    first: { run: 'b', member: 2 },
    devices: ['gpu0', 'gpu1', 'gpu2', 'gpu3', 'gpu4'],
    atMs: 3 * HOUR_MS,
  });
  // Without the second one nobody needs that device.
  expect(decide(first, small(4)).grants).toEqual(['c']);
});

test('devices are kept for one run of each member, so many that wait do not keep the machine', () => {
  expect(decide(first, { ...second, member: 1 }, small(4)).grants).toEqual(['c']);
});

test('who comes to the line late and short still starts at once', () => {
  const tickets = [
    first,
    second,
    small(4),
    ticket('d', { member: 4, timeMs: HOUR_MS, gpus: 3, seniorityMs: 3 }),
  ];
  expect(decide(...tickets).grants).toEqual(['d']);
});
