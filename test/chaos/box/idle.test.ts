// The watch over idle devices: what it must notice, and what it must not.
import { expect, test } from 'vitest';
import { IdleWatch, type Look, type WaitingTicket } from './idle.ts';

const TYPES = new Map([
  ['gpu0', 'a'],
  ['gpu1', 'a'],
  ['gpu2', 'b'],
]);
const ticket = (run: string, over: Partial<WaitingTicket> = {}): WaitingTicket => {
  return { run, member: 1, gpus: 1, type: null, timeMs: 60_000, ...over };
};
const look = (atMs: number, over: Partial<Look>): Look => {
  const line = new Map((over.waiting ?? []).map(({ run, member }) => [run, member]));
  const none = { free: [], waiting: [], reservation: null, excuse: null, claims: new Map() };
  return { ...none, dueMs: Number.POSITIVE_INFINITY, atMs, line, ...over };
};

/** The lengths of the windows of each run. */
function lengths(...looks: Look[]): Record<string, number[]> {
  const watch = new IdleWatch(TYPES);
  for (const each of looks) watch.note(each);
  const found: Record<string, number[]> = {};
  for (const { run, lengthMs } of watch.end(looks.at(-1)?.atMs ?? 0))
    found[run] = [...(found[run] ?? []), lengthMs];
  return found;
}

test('a device that is free while somebody waits is noticed until it is taken', () => {
  const waits = { free: ['gpu0'], waiting: [ticket('x')] };
  expect(lengths(look(0, waits), look(300, waits), look(400, { waiting: [ticket('x')] }))).toEqual({
    x: [400],
  });
});

test('too few, or of another type, is no reason to blame anyone', () => {
  const waiting = [ticket('two', { gpus: 2 }), ticket('other', { type: 'b' }), ticket('three', { gpus: 3 })];
  expect(lengths(look(0, { free: ['gpu0'], waiting }), look(900, { free: ['gpu0'], waiting }))).toEqual({});
  const free = ['gpu0', 'gpu1'];
  expect(lengths(look(0, { free, waiting }), look(900, { free, waiting }))).toEqual({ two: [900] });
});

test('one behind the first is entitled beside what is reserved, or when it ends before', () => {
  const reservation = { run: 'first', devices: ['gpu0', 'gpu1'], atMs: 100_000 };
  const waiting = [ticket('first', { gpus: 2 }), ticket('short'), ticket('long', { timeMs: 200_000 })];
  const beside = { free: ['gpu0'], waiting, reservation };
  expect(lengths(look(0, beside), look(500, beside))).toEqual({ short: [500] });
  const other = { ...beside, free: ['gpu2'] };
  expect(lengths(look(0, other), look(500, other))).toEqual({ short: [500], long: [500] });
});

test('while the next run of a third member waits, only what ends before anything is due is entitled', () => {
  const reservation = { run: 'first', devices: ['gpu0'], atMs: 100_000 };
  const short = ticket('short', { timeMs: 5000 });
  const long = ticket('long', { timeMs: 30_000 });
  const third = ticket('third', { gpus: 3, member: 3 });
  const of = (members: WaitingTicket[]) => ({ free: ['gpu2'], waiting: members, reservation, dueMs: 10_000 });
  const two = of([ticket('first', { member: 2, gpus: 3 }), short, long]);
  expect(lengths(look(0, two), look(500, two))).toEqual({ short: [500], long: [500] });
  const three = of([ticket('first', { member: 2, gpus: 3 }), short, long, third]);
  expect(lengths(look(0, three), look(500, three))).toEqual({ short: [500] });
});

test('a device that was used in between begins anew', () => {
  const waiting = [ticket('x')];
  const looks = [
    look(0, { free: ['gpu0'], waiting }),
    look(100, { free: ['gpu1'], waiting }),
    look(200, { free: ['gpu1'], waiting }),
  ];
  expect(lengths(...looks)).toEqual({ x: [100, 100] });
});

test('what has been given to a run is no idle device for others, and the run is to take it at once', () => {
  const kept = { free: ['gpu0'], claims: new Map([['next', ['gpu0']]]), waiting: [ticket('x')] };
  expect(lengths(look(0, kept), look(900, kept))).toEqual({});
  const both = { ...kept, waiting: [ticket('x'), ticket('next')] };
  expect(lengths(look(0, both), look(900, both))).toEqual({ next: [900] });
  // It had waited for a free device before.
  const before = look(0, { free: ['gpu0'], waiting: [ticket('next')] });
  expect(lengths(before, look(300, both))).toEqual({ next: [300] });
  const more = { ...kept, free: ['gpu0', 'gpu1'] };
  expect(lengths(look(0, more), look(900, more))).toEqual({ x: [900] });
});
