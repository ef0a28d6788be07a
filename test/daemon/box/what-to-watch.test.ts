// Who goes first when somebody is gone: those whose run can start now, and nobody else.
import { expect, test } from 'vitest';
import type { Round } from '../../../daemon/box/decider.ts';
import { planBox } from '../../../daemon/box/plan/plan.ts';
import type { DeviceState, PlanTicket, PlanView } from '../../../daemon/box/plan/types.ts';
import { isOursAfter } from '../../../daemon/box/what-to-watch.ts';

const NOW_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;

/** gpu0 is held by `short` for a minute, gpu1 by `long` for an hour. */
function round(...tickets: (Partial<PlanTicket> & { run: string })[]): Round {
  const held = (run: string, minutes: number): DeviceState => {
    return { kind: 'leased', run, member: 1, sinceMs: NOW_MS, untilMs: NOW_MS + minutes * MINUTE_MS };
  };
  const states = [held('short', 1), held('long', 60)];
  const view: PlanView = {
    devices: states.map((state, index) => ({ id: `gpu${index}`, type: 'fake', memoryMb: 1, state })),
    tickets: tickets.map((ticket, index) => ({
      ...{ member: index + 2, gpus: 1, type: null, timeMs: 30 * MINUTE_MS, priority: 0 },
      ...{
        seniorityMs: NOW_MS - 1000 + index,
        daemonAlive: true,
        passedOver: false,
        isPrepared: true,
        ...ticket,
      },
    })),
    policy: {
      ...{ defaultTimeMs: 60 * MINUTE_MS, maxTimeMs: null, patienceMs: 7 * 86_400_000 },
      ...{ everyone: { maxDevices: null, maxRuns: null }, limits: new Map(), bands: new Map() },
    },
    usage: new Map(),
    reservation: null,
  };
  const holders = new Map(['short', 'long'].map((run, index) => [`gpu${index}`, { run }]));
  const files = tickets.map(({ run }) => ({ run, daemon: `daemon of ${run}` }));
  const survey = { view, nowMs: NOW_MS, holders, tickets: files } as unknown as Round['survey'];
  return { survey, decision: planBox(view, NOW_MS), mine: [] };
}

const is = (run: string) => (other: string) => run === other;

test('the first in line goes at once when its devices are freed', () => {
  const of = round({ run: 'first' }, { run: 'second' });
  expect(isOursAfter(of, 'short', is('first'))).toBe(true);
  expect(isOursAfter(of, 'short', is('second'))).toBe(false);
});

test('so does one that fits in before the first, which still has to wait', () => {
  const of = round({ run: 'first', gpus: 2 }, { run: 'second' }, { run: 'too long', timeMs: 90 * MINUTE_MS });
  expect(isOursAfter(of, 'short', is('first'))).toBe(false);
  expect(isOursAfter(of, 'short', is('second'))).toBe(true);
  expect(isOursAfter(of, 'long', is('too long'))).toBe(false);
});

test('when the daemon of the first dies, the next takes its place', () => {
  const of = round({ run: 'first' }, { run: 'second' });
  const [device] = of.survey.view.devices;
  if (device !== undefined) device.state = { kind: 'free' };
  expect(isOursAfter(of, 'daemon of first', is('second'))).toBe(true);
  expect(isOursAfter(of, 'daemon of second', is('second'))).toBe(false);
});
