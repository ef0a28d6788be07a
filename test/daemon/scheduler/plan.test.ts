import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainWaiting } from '../../../daemon/scheduler/explain.ts';
import { compareTurns, isReady, plan, type QueuedRun } from '../../../daemon/scheduler/plan.ts';

const run = fc.record({
  priority: fc.integer({ min: -3, max: 3 }),
  held: fc.boolean(),
  unmet: fc.nat(2),
});
const queue = fc
  .array(run, { maxLength: 30 })
  .map((runs): QueuedRun[] => runs.map((each, index) => ({ ...each, id: `run-${index}`, seq: index + 1 })));
const resources = fc.record({ slots: fc.nat(10), occupied: fc.nat(12), paused: fc.boolean() });

describe('a plan', () => {
  it('starts as many as fit and are ready, and never more', () => {
    fc.assert(
      fc.property(queue, resources, (runs, given) => {
        const free = given.paused ? 0 : Math.max(0, given.slots - given.occupied);
        expect(plan(runs, given)).toHaveLength(Math.min(free, runs.filter(isReady).length));
      }),
    );
  });

  it('starts only what is neither held nor waits for another', () => {
    fc.assert(
      fc.property(queue, resources, (runs, given) => {
        const byId = new Map(runs.map((each) => [each.id, each]));
        for (const id of plan(runs, given)) expect(byId.get(id)).toMatchObject({ held: false, unmet: 0 });
      }),
    );
  });

  it('passes nobody over: whoever starts comes before every ready run that does not', () => {
    fc.assert(
      fc.property(queue, resources, (runs, given) => {
        const ids = plan(runs, given);
        const chosen = ids
          .map((id) => runs.find((each) => each.id === id))
          .filter((each) => each !== undefined);
        for (const [index, each] of chosen.entries())
          if (index > 0) expect(compareTurns(chosen[index - 1] ?? each, each)).toBeLessThan(0);
        const left = runs.filter((each) => isReady(each) && !ids.includes(each.id));
        for (const first of chosen)
          for (const second of left) expect(compareTurns(first, second)).toBeLessThan(0);
      }),
    );
  });

  it('is the same in whatever order the queue is given, and changes nothing of it', () => {
    const shuffled = queue.chain((runs) =>
      fc.tuple(fc.constant(runs), fc.shuffledSubarray(runs, { minLength: runs.length })),
    );
    fc.assert(
      fc.property(shuffled, resources, ([runs, other], given) => {
        const before = structuredClone(other);
        expect(plan(other, given)).toEqual(plan(runs, given));
        expect(other).toEqual(before);
      }),
    );
  });

  it('is at most what one more slot allows, with the same runs first', () => {
    fc.assert(
      fc.property(queue, resources, (runs, given) => {
        const few = plan(runs, given);
        expect(plan(runs, { ...given, slots: given.slots + 1 }).slice(0, few.length)).toEqual(few);
      }),
    );
  });
});

describe('the reason why a run waits', () => {
  const free = { slots: 2, occupied: 1, paused: false };
  const full = { slots: 2, occupied: 2, paused: false };
  const ready = { devices: null, held: false, needs: [], ahead: 0 };

  it.each([
    [
      'held',
      { ...ready, held: true, needs: ['a'], ahead: 3 },
      full,
      'a full disk',
      'held; start it with: qwex release',
    ],
    ['a dependency', { ...ready, needs: ['0a1b2c3d'] }, full, 'a full disk', 'waiting for run 0a1b2c3d'],
    ['two dependencies', { ...ready, needs: ['a', 'b'] }, free, null, 'waiting for run a, b'],
    ['a fault', ready, { ...free, paused: true }, 'the disk of /home is full', 'the disk of /home is full'],
    ['a pause', ready, { ...free, paused: true }, null, 'the queue is paused; go on with: qwex resume'],
    ['others', { ...ready, ahead: 2 }, full, null, '2 ahead of you'],
    ['a moment', ready, free, null, 'starts now'],
    ['a slot', ready, full, null, 'next; all 2 slots are taken'],
    ['the only slot', ready, { ...full, slots: 1 }, null, 'next; the slot is taken'],
  ])('is %s', (_, waiting, given, problem, words) => {
    expect(explainWaiting(waiting, given, problem)).toBe(words);
  });
});
