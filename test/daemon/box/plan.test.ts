import { expect, test } from 'vitest';
import { planBox } from '../../../daemon/box/plan/plan.ts';
import type { Decision, DeviceState, PlanDevice } from '../../../daemon/box/plan/types.ts';
import { HOUR_MS, machine, policy, ticket, view } from './machines.ts';

const granted = (changes: Parameters<typeof view>[0], nowMs = 0) =>
  planBox(view(changes), nowMs).grants.map(({ run, devices }) => [run, ...devices].join(' '));

function having(states: Record<string, DeviceState>, devices = machine(4)): PlanDevice[] {
  return devices.map((device) => ({ ...device, state: states[device.id] ?? device.state }));
}

const leased = (member: number, untilMs: number | null, run = `held-${member}`): DeviceState => ({
  kind: 'leased',
  run,
  member,
  sinceMs: 0,
  untilMs,
});

test('free devices go to the tickets in order', () => {
  expect(granted({ tickets: [ticket('a'), ticket('b', { gpus: 3, seniorityMs: 1 })] })).toEqual([
    'a gpu0',
    'b gpu1 gpu2 gpu3',
  ]);
});

test('whoever has used least goes first, whenever they came', () => {
  const tickets = [ticket('a', { member: 1, gpus: 4 }), ticket('b', { member: 2, gpus: 4, seniorityMs: 9 })];
  expect(granted({ tickets, usage: new Map([[1, 10]]) })).toEqual(['b gpu0 gpu1 gpu2 gpu3']);
  expect(
    granted({
      tickets,
      usage: new Map([
        [1, 10],
        [2, 11],
      ]),
    }),
  ).toEqual(['a gpu0 gpu1 gpu2 gpu3']);
  expect(granted({ tickets })).toEqual(['a gpu0 gpu1 gpu2 gpu3']);
});

test('many tickets of one member do not take a whole free machine from another', () => {
  const many = Array.from({ length: 8 }, (_, index) =>
    ticket(`a${index}`, { member: 1, seniorityMs: index }),
  );
  const tickets = [
    ...many,
    ticket('b0', { member: 2, seniorityMs: 90 }),
    ticket('b1', { member: 2, seniorityMs: 91 }),
  ];
  const usage = new Map([[2, 300]]);
  expect(granted({ tickets, usage })).toEqual(['a0 gpu0', 'b0 gpu1', 'a1 gpu2', 'b1 gpu3']);
});

test("priority orders a member's own runs and nobody else's", () => {
  const tickets = [
    ticket('a', { member: 1, gpus: 4 }),
    ticket('b', { member: 2, gpus: 4, priority: 900, seniorityMs: 5 }),
    ticket('c', { member: 1, gpus: 4, priority: 1, seniorityMs: 7 }),
  ];
  expect(granted({ tickets })).toEqual(['b gpu0 gpu1 gpu2 gpu3']);
  expect(granted({ tickets: tickets.filter(({ member }) => member === 1) })).toEqual([
    'c gpu0 gpu1 gpu2 gpu3',
  ]);
});

test('a band goes before fair share; patience goes before a band', () => {
  const tickets = [
    ticket('a', { member: 1, gpus: 4 }),
    ticket('b', { member: 2, gpus: 4, seniorityMs: HOUR_MS }),
  ];
  const bands = new Map([[2, 1]]);
  const usage = new Map([[2, 99]]);
  expect(granted({ tickets, usage, policy: policy({ bands }) }, 2 * HOUR_MS)).toEqual([
    'b gpu0 gpu1 gpu2 gpu3',
  ]);
  const impatient = policy({ bands, patienceMs: 2 * HOUR_MS });
  expect(granted({ tickets, usage, policy: impatient }, 2 * HOUR_MS)).toEqual(['a gpu0 gpu1 gpu2 gpu3']);
});

test('the first in line has its devices reserved, and short runs fill the gap', () => {
  const devices = having({ gpu0: leased(9, 2 * HOUR_MS), gpu1: leased(9, HOUR_MS) });
  const tickets = [
    ticket('big', { gpus: 4 }),
    ticket('long', { seniorityMs: 1, timeMs: 3 * HOUR_MS }),
    ticket('short', { seniorityMs: 2, timeMs: 2 * HOUR_MS }),
    ticket('shorter', { seniorityMs: 3, gpus: 2, timeMs: HOUR_MS }),
  ];
  const decision = planBox(view({ devices, tickets }), 0);
  expect(decision.grants).toEqual([{ run: 'short', member: 1000, devices: ['gpu2'] }]);
  expect(decision.reservation).toEqual({
    run: 'big',
    devices: ['gpu0', 'gpu1', 'gpu2', 'gpu3'],
    atMs: 2 * HOUR_MS,
    promisedMs: 2 * HOUR_MS,
  });
  const first = { run: 'big', member: 1000 };
  expect(decision.expectedStarts().get('big')).toBe(2 * HOUR_MS);
  expect(decision.waiting).toMatchObject([
    {
      run: 'big',
      position: 1,
      reason: {
        kind: 'devices',
        needs: 4,
        free: 2,
        holders: [{ device: 'gpu0', member: 9 }, { device: 'gpu1' }],
      },
    },
    { run: 'long', position: 2, reason: { kind: 'reserved', first, atMs: 2 * HOUR_MS } },
    { run: 'shorter', position: 3, reason: { kind: 'behind', ahead: 2, first, needs: 2, free: 1 } },
  ]);
});

test('a long run starts beside the reservation on devices that the first does not need', () => {
  const devices = having({ gpu0: leased(9, HOUR_MS), gpu1: leased(9, HOUR_MS) });
  const tickets = [ticket('big', { gpus: 3 }), ticket('long', { seniorityMs: 1, timeMs: 90 * HOUR_MS })];
  const decision = planBox(view({ devices, tickets }), 0);
  expect(decision.reservation?.devices).toEqual(['gpu0', 'gpu1', 'gpu2']);
  expect(decision.grants).toEqual([{ run: 'long', member: 1000, devices: ['gpu3'] }]);
});

test('a reservation stays when someone with a better claim arrives', () => {
  const devices = having({ gpu0: leased(9, HOUR_MS) });
  const big = ticket('big', { member: 1, gpus: 4 });
  const made = planBox(view({ devices, tickets: [big], usage: new Map([[1, 500]]) }), 0).reservation;
  const better = ticket('better', { member: 2, gpus: 3, timeMs: 5 * HOUR_MS, seniorityMs: 1 });
  const later = planBox(
    view({ devices, tickets: [big, better], usage: new Map([[1, 500]]), reservation: made }),
    60_000,
  );
  expect(later.grants).toEqual([]);
  expect(later.reservation).toMatchObject({ run: 'big', atMs: HOUR_MS });
  const free = planBox(
    view({ tickets: [big, better], usage: new Map([[1, 500]]), reservation: made }),
    60_000,
  );
  expect(free.grants.map(({ run }) => run)).toEqual(['big']);
});

test('types: only devices of the type; without one, a set of one type where there is one', () => {
  const mixed = [...machine(2, 'a100', 81_920), ...machine(3, 'v100', 16_384)].map((device, index) => ({
    ...device,
    id: `gpu${index}`,
  }));
  expect(granted({ devices: mixed, tickets: [ticket('a', { gpus: 2, type: 'A100' })] })).toEqual([
    'a gpu0 gpu1',
  ]);
  expect(granted({ devices: mixed, tickets: [ticket('a', { gpus: 2 })] })).toEqual(['a gpu2 gpu3']);
  expect(granted({ devices: mixed, tickets: [ticket('a', { gpus: 5 })] })).toEqual([
    'a gpu0 gpu1 gpu2 gpu3 gpu4',
  ]);
  const refusals = planBox(
    view({
      devices: mixed,
      tickets: [ticket('a', { type: 'h100' }), ticket('b', { gpus: 3, type: 'a100' })],
    }),
    0,
  ).refusals;
  expect(refusals.map(({ reason }) => reason)).toEqual([
    { kind: 'no_such_type', type: 'h100', types: ['a100', 'v100'] },
    { kind: 'too_many', asked: 3, exist: 2, type: 'a100' },
  ]);
});

test('limits hold a member back and let the others pass', () => {
  const limited = policy({ everyone: { maxDevices: 2, maxRuns: 2 } });
  const tickets = [
    ticket('a'),
    ticket('b', { seniorityMs: 1 }),
    ticket('c', { seniorityMs: 2 }),
    ticket('d', { member: 2, seniorityMs: 3 }),
  ];
  const decision = planBox(view({ tickets, policy: limited }), 0);
  expect(decision.grants.map(({ run }) => run)).toEqual(['a', 'd', 'b']);
  expect(decision.waiting).toMatchObject([
    { run: 'c', reason: { kind: 'limit', what: 'devices', limit: 2, used: 2 } },
  ]);
  const over = [ticket('e', { gpus: 3 }), ticket('f', { timeMs: 99 * HOUR_MS, member: 2 })];
  const refused = planBox(
    view({ tickets: over, policy: { ...limited, maxTimeMs: 48 * HOUR_MS } }),
    0,
  ).refusals;
  expect(refused.map(({ reason }) => reason.kind)).toEqual(['over_limit', 'too_long']);
});

test("a member's later run does not use up the limit that the reserved one needs", () => {
  const devices = having({ gpu0: leased(9, HOUR_MS), gpu1: leased(9, HOUR_MS) });
  const limited = policy({ everyone: { maxDevices: 3, maxRuns: null } });
  const tickets = [ticket('big', { gpus: 3 }), ticket('own', { seniorityMs: 1, timeMs: 1000 })];
  const decision = planBox(view({ devices, tickets, policy: limited }), 0);
  expect(decision.grants).toEqual([]);
  expect(decision.waiting[1]?.reason).toEqual({ kind: 'limit', what: 'devices', limit: 3, used: 3 });
});

test('who is not there does not hold up the line', () => {
  const tickets = [
    ticket('dead', { gpus: 4, daemonAlive: false }),
    ticket('hung', { gpus: 4, passedOver: true, seniorityMs: 1 }),
    ticket('alive', { seniorityMs: 2 }),
  ];
  const reservation = { run: 'hung', devices: ['gpu0'], atMs: 0, promisedMs: 0 };
  const decision = planBox(view({ tickets, reservation }), 0);
  expect(decision.grants.map(({ run }) => run)).toEqual(['alive']);
  expect(decision.reservation).toBeNull();
  expect(decision.waiting).toMatchObject([
    { run: 'dead', position: null, reason: { kind: 'daemon_gone' } },
    { run: 'hung', position: null, reason: { kind: 'passed_over' } },
  ]);
  expect([...decision.expectedStarts()]).toEqual([]);
});

test('who is not prepared gets nothing and keeps its place; as many are named as there are devices for', () => {
  const not = { isPrepared: false };
  const tickets = [
    ticket('a', not),
    ticket('b', { ...not, seniorityMs: 1 }),
    ticket('c', { gpus: 2, seniorityMs: 2 }),
    ticket('d', { ...not, gpus: 2, seniorityMs: 3 }),
    ticket('e', { ...not, gpus: 4, seniorityMs: 4 }),
    ticket('f', { ...not, seniorityMs: 5 }),
  ];
  const { grants, waiting, reservation, expectedStarts } = planBox(view({ tickets }), 0);
  expect(grants.map(({ run }) => run)).toEqual(['c']);
  const reasons = waiting.map(({ run, position, reason }) => `${run} ${position} ${reason.kind}`);
  // d has devices left, but for a and b; e is the first that doesn't fit at all.
  expect(reasons).toEqual(['a 1 unprepared', 'b 2 unprepared', 'd 3 behind', 'e 4 devices', 'f 5 behind']);
  expect(reservation).toMatchObject({ run: 'e', atMs: HOUR_MS });
  expect(expectedStarts().get('a')).toBe(0);
});

test('beside a reservation too, and a reserved run that is not prepared holds nobody up', () => {
  const devices = having({ gpu0: leased(7, HOUR_MS) });
  const big = ticket('big', { gpus: 4 });
  const short = { timeMs: HOUR_MS / 2, seniorityMs: 1 };
  const tickets = [
    big,
    ticket('x', { ...short, isPrepared: false }),
    ticket('y', { ...short, seniorityMs: 2 }),
  ];
  const beside = planBox(view({ devices, tickets }), 0);
  expect(beside.grants.map(({ run }) => run)).toEqual(['y']);
  expect(beside.waiting.map(({ reason }) => reason.kind)).toEqual(['devices', 'unprepared']);
  const { reservation } = beside;
  const all = [{ ...big, isPrepared: false }, ticket('y', { timeMs: 9 * HOUR_MS, seniorityMs: 2 })];
  const decision = planBox(view({ tickets: all, reservation }), 1);
  expect(decision.grants.map(({ run }) => run)).toEqual(['y']);
  // What it waits for now is y.
  expect(decision.waiting).toMatchObject([{ run: 'big', reason: { kind: 'devices', needs: 4, free: 3 } }]);
});

test('strangers and drained devices are named, and reserve nothing', () => {
  const devices = having({
    gpu3: { kind: 'stranger', who: 'pid 4312 user3 python, 9.1 GB' },
    gpu2: { kind: 'drained', why: 'fan' },
  });
  const tickets = [ticket('big', { gpus: 3 }), ticket('small', { seniorityMs: 1, timeMs: null })];
  const decision = planBox(view({ devices, tickets }), 0);
  expect(decision.grants.map(({ run }) => run)).toEqual(['small']);
  expect(decision.reservation).toBeNull();
  expect(decision.waiting[0]).toMatchObject({
    run: 'big',
    reason: { kind: 'blocked', usable: 2, blocked: [{ device: 'gpu2', words: 'fan' }, { device: 'gpu3' }] },
  });
  expect(decision.expectedStarts().has('big')).toBe(false);
});

test('a holder that nobody knows, and one over its time, still hold', () => {
  const devices = having({
    gpu0: { kind: 'leased', run: null, member: null, sinceMs: 0, untilMs: null },
    gpu1: leased(9, 5),
  });
  const decision = planBox(view({ devices, tickets: [ticket('a', { gpus: 4 })] }), HOUR_MS);
  expect(decision.grants).toEqual([]);
  expect(decision.reservation?.atMs).toBe(25 * HOUR_MS);
});

test('the same view in another order of files gives the same decision', () => {
  const tickets = ['a', 'b', 'c', 'd', 'e', 'f'].map((run, index) =>
    ticket(run, { member: index % 3, seniorityMs: 7 }),
  );
  const forwards = planBox(view({ tickets }), 0);
  const backwards = planBox(view({ tickets: [...tickets].reverse() }), 0);
  const plain = (decision: Decision) => ({ ...decision, expectedStarts: [...decision.expectedStarts()] });
  expect(plain(backwards)).toEqual(plain(forwards));
});

test('the example of docs/scheduling.md', () => {
  const [ann, ben, cem] = [1, 2, 3];
  const at = (hour: number): number => hour * HOUR_MS;
  const hours = (count: number): number => count * 3600;
  const devices = having({ gpu0: leased(ben, at(16)), gpu1: leased(ben, at(16)) });
  const tickets = [
    ticket('a1', { member: ann, timeMs: at(3) }),
    ticket('b1', { member: ben, timeMs: at(6) }),
    ticket('c1', { member: cem, timeMs: at(2) }),
    ticket('c2', { member: cem, gpus: 4, timeMs: at(8), seniorityMs: 1 }),
  ];
  const usage = new Map([
    [ann, hours(20)],
    [ben, hours(10)],
  ]);
  const noon = planBox(view({ devices, tickets, usage }), at(12));
  expect(noon.grants).toEqual([
    { run: 'c1', member: cem, devices: ['gpu2'] },
    { run: 'a1', member: ann, devices: ['gpu3'] },
  ]);
  expect(noon.reservation).toMatchObject({ run: 'c2', atMs: at(16) });
  expect(noon.waiting.map(({ run, reason }) => [run, reason.kind])).toEqual([
    ['c2', 'devices'],
    ['b1', 'reserved'],
  ]);
  const later = having({ gpu2: leased(cem, at(14)), gpu3: leased(ann, at(15)) });
  const waiting = tickets.filter(({ run }) => ['b1', 'c2'].includes(run));
  const one = planBox(
    view({ devices: later, tickets: waiting, usage, reservation: noon.reservation }),
    at(13),
  );
  expect(one.grants).toEqual([]);
  expect(one.reservation).toMatchObject({ run: 'c2', atMs: at(15), promisedMs: at(15) });
});
