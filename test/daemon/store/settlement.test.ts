import { describe, expect, it } from 'vitest';
import { resolveRun } from '../../../daemon/store/selectors.ts';
import { lastTryOf } from '../../../daemon/store/tries.ts';
import { END_REASONS } from '../../../shared/run-state.ts';
import type { Dependency } from '../../../shared/schemas/run.ts';
import { exitFacts, recipeOf, StoreRig } from './rig.ts';

const on = (id: string, policy: Dependency['policy'] = 'success'): Dependency[] => [{ id, policy }];

describe('retries', () => {
  it('make a new run of the same job until there are none left, each tied to the one before', () => {
    using rig = new StoreRig();
    const first = rig.submit({ retries: 2, name: 'train', priority: 5, notes: ['given'], umask: 0o027 });
    rig.store.addNotes(first.id, ['of this execution']);
    const failed = rig.failByExit(first.id);
    const second = rig.store.mustGet(failed.retriedBy ?? '');
    expect(failed.notes).toEqual(['given', 'of this execution']);
    expect(second).toMatchObject({
      phase: 'queued',
      retryOf: first.id,
      retriesLeft: 1,
      jobId: first.jobId,
      name: 'train',
      priority: 5,
      notes: ['given'],
      umask: 0o027,
      environment: first.environment,
      attempt: 0,
    });
    const third = rig.store.mustGet(rig.failByExit(second.id).retriedBy ?? '');
    const last = rig.failByExit(third.id);
    expect(last).toMatchObject({ phase: 'failed', retriesLeft: 0, retriedBy: null, retryOf: second.id });
    expect(lastTryOf(rig.store, rig.store.mustGet(first.id)).id).toBe(third.id);
    expect(resolveRun(rig.store, 'train').id).toBe(third.id);
    expect(rig.types(second.id)[0]).toBe('run.submitted');
  });

  it.each(END_REASONS)('after the reason %s', (reason) => {
    using rig = new StoreRig();
    const run = rig.in('collecting', { retries: 1 });
    const ended = rig.store.fail(run.id, { reason });
    expect(ended.retriedBy !== null).toBe(reason === 'exit' || reason === 'signal');
  });

  it.each([
    ['succeed', 'exit'],
    ['cancel', 'cancelled'],
    ['lose', 'lost'],
  ] as const)('not after %s', (verb, reason) => {
    using rig = new StoreRig();
    const run = rig.in('collecting', { retries: 1 });
    expect(rig.store[verb](run.id, { reason }).retriedBy).toBeNull();
  });

  it('a chain of which a part was removed ends at the newest try that is left', () => {
    using rig = new StoreRig();
    const first = rig.submit({ retries: 1 });
    const second = rig.store.mustGet(rig.failByExit(first.id).retriedBy ?? '');
    rig.failByExit(second.id);
    rig.store.forget(second.id);
    expect(lastTryOf(rig.store, rig.store.mustGet(first.id)).id).toBe(first.id);
  });
});

describe('a run that waits for another', () => {
  it('starts when that one has succeeded', () => {
    using rig = new StoreRig();
    const needed = rig.submit();
    const waiting = rig.submit({ after: on(needed.id) });
    expect(waiting.unmet).toBe(1);
    expect(rig.store.runs.ready(9).map(({ id }) => id)).toEqual([needed.id]);
    rig.succeed(needed.id);
    expect(rig.store.mustGet(waiting.id).unmet).toBe(0);
    expect(rig.store.runs.dependencies(waiting.id)).toEqual([
      { id: needed.id, policy: 'success', met: true },
    ]);
    expect(rig.store.runs.ready(9).map(({ id }) => id)).toEqual([waiting.id]);
  });

  it.each([
    ['failed', 'failed'],
    ['cancelled', 'was cancelled'],
  ] as const)(
    'ends when that one has %s, with a sentence, and so does what waited for it',
    (phase, words) => {
      using rig = new StoreRig();
      const needed = rig.in('collecting');
      const waiting = rig.submit({ after: on(needed.id) });
      const last = rig.submit({ after: on(waiting.id), retries: 3 });
      if (phase === 'failed') rig.store.fail(needed.id, { reason: 'exit' });
      else rig.store.cancel(needed.id, { reason: 'cancelled' });
      expect(rig.store.mustGet(waiting.id)).toMatchObject({
        phase: 'failed',
        reason: 'dependency',
        message: `it was to run after ${needed.id}, which ${words}`,
      });
      expect(rig.store.mustGet(last.id)).toMatchObject({
        phase: 'failed',
        reason: 'dependency',
        retriedBy: null,
      });
      expect(rig.types(last.id)).toEqual(['run.submitted', 'run.failed']);
    },
  );

  it('goes on all the same when any end will do', () => {
    using rig = new StoreRig();
    const needed = rig.in('collecting');
    const waiting = rig.submit({ after: on(needed.id, 'any') });
    rig.store.cancel(needed.id, { reason: 'cancelled' });
    expect(rig.store.mustGet(waiting.id)).toMatchObject({ phase: 'queued', unmet: 0 });
  });

  it('waits for the last try of one that is retried', () => {
    using rig = new StoreRig();
    const needed = rig.submit({ retries: 1 });
    const waiting = rig.submit({ after: on(needed.id) });
    const anyway = rig.submit({ after: on(needed.id, 'any') });
    const retry = rig.failByExit(needed.id).retriedBy ?? '';
    expect(rig.store.runs.dependencies(waiting.id)).toEqual([{ id: retry, policy: 'success', met: false }]);
    expect(rig.store.mustGet(anyway.id).unmet).toBe(1);
    rig.succeed(retry);
    expect(rig.store.mustGet(waiting.id)).toMatchObject({ phase: 'queued', unmet: 0 });
    expect(rig.store.mustGet(anyway.id).unmet).toBe(0);
  });

  it('submitted for one that has been retried meanwhile, waits for the retry', () => {
    using rig = new StoreRig();
    const needed = rig.submit({ retries: 1 });
    const retry = rig.failByExit(needed.id).retriedBy ?? '';
    const waiting = rig.submit({ after: on(needed.id) });
    expect(waiting).toMatchObject({ phase: 'queued', unmet: 1 });
    expect(rig.store.runs.dependencies(waiting.id).map(({ id }) => id)).toEqual([retry]);
  });

  it.each([
    ['succeeded', 'success', 'queued'],
    ['failed', 'success', 'failed'],
    ['cancelled', 'success', 'failed'],
    ['failed', 'any', 'queued'],
    ['cancelled', 'any', 'queued'],
  ] as const)('for one that has %s already, under %s, is %s at once', (phase, policy, expected) => {
    using rig = new StoreRig();
    const needed = rig.in(phase);
    const [run] = rig.store.submit([rig.newRun({ after: on(needed.id, policy) })]);
    expect(run).toMatchObject({ phase: expected, unmet: expected === 'queued' ? 0 : 1 });
    expect(rig.types(run?.id)).toEqual(
      expected === 'queued' ? ['run.submitted'] : ['run.submitted', 'run.failed'],
    );
  });

  it('and is held, ends when that one fails', () => {
    using rig = new StoreRig();
    const needed = rig.submit();
    const waiting = rig.submit({ after: on(needed.id), held: true });
    rig.failByExit(needed.id);
    expect(rig.store.mustGet(waiting.id)).toMatchObject({ phase: 'failed', held: false });
  });

  it('and is held, stays held when that one succeeds', () => {
    using rig = new StoreRig();
    const needed = rig.submit();
    const waiting = rig.submit({ after: on(needed.id), held: true });
    rig.succeed(needed.id);
    expect(rig.store.mustGet(waiting.id)).toMatchObject({ phase: 'queued', held: true, unmet: 0 });
    expect(rig.store.runs.ready(9)).toEqual([]);
  });

  it('at the bottom of a diamond starts after both sides, and ends once when one side fails', () => {
    using rig = new StoreRig();
    const top = rig.submit();
    const sides = [rig.submit({ after: on(top.id) }), rig.submit({ after: on(top.id) })] as const;
    const after = sides.flatMap(({ id }) => on(id));
    const bottom = rig.submit({ after });
    rig.succeed(top.id);
    rig.succeed(sides[0].id);
    expect(rig.store.mustGet(bottom.id).unmet).toBe(1);
    const other = rig.submit({ after });
    rig.failByExit(sides[1].id);
    for (const { id } of [bottom, other]) {
      expect(rig.store.mustGet(id).reason).toBe('dependency');
      expect(rig.types(id).filter((type) => type === 'run.failed')).toHaveLength(1);
    }
  });

  it('named twice, by two tries of one run, counts once, and success wins over any', () => {
    using rig = new StoreRig();
    const needed = rig.submit({ retries: 1 });
    const retry = rig.failByExit(needed.id).retriedBy ?? '';
    const waiting = rig.submit({ after: [...on(needed.id), ...on(retry, 'any')] });
    expect(rig.store.runs.dependencies(waiting.id)).toEqual([{ id: retry, policy: 'success', met: false }]);
    expect(waiting.unmet).toBe(1);
  });
});

describe('one request', () => {
  it('with a key makes its runs once, whatever comes under the key later', () => {
    using rig = new StoreRig();
    const runs = rig.store.submit([rig.newRun({ name: 'sweep' }), rig.newRun({ name: 'sweep' })], 'key');
    const heard = rig.heard.length;
    const again = rig.store.submit([rig.newRun()], 'key');
    expect(again.map(({ id }) => id)).toEqual(runs.map(({ id }) => id));
    expect(rig.heard).toHaveLength(heard);
    expect(rig.store.submittedWith('key')?.map(({ id }) => id)).toEqual(runs.map(({ id }) => id));
    expect(rig.store.submittedWith('other')).toBeUndefined();
    expect(resolveRun(rig.store, 'sweep').id).toBe(runs[1]?.id);
  });

  it('answers as the runs are now, and says so when they were removed', () => {
    using rig = new StoreRig();
    const [run] = rig.store.submit([rig.newRun()], 'key');
    rig.succeed(run?.id ?? '');
    expect(rig.store.submittedWith('key')?.[0]?.phase).toBe('succeeded');
    rig.store.forget(run?.id ?? '');
    expect(() => rig.store.submittedWith('key')).toThrow(/no run has the id/);
    expect(() => rig.store.submit([rig.newRun()], 'key')).toThrow(/no run has the id/);
  });

  it('is forgotten after its time', () => {
    using rig = new StoreRig();
    rig.store.submit([rig.newRun()], 'old');
    rig.nowMs += 1000;
    rig.store.submit([rig.newRun()], 'new');
    rig.store.requests.forgetBefore(rig.nowMs);
    expect(rig.store.submittedWith('old')).toBeUndefined();
    expect(rig.store.submittedWith('new')).toHaveLength(1);
  });

  it('of two commands shares what they share: one text of sources, one job for one recipe', () => {
    using rig = new StoreRig();
    const other = recipeOf({ command: ['other'] });
    const [a, b, c] = rig.store.submit([rig.newRun(), rig.newRun(), rig.newRun({ recipe: other })]);
    expect(a?.jobId).toBe(b?.jobId);
    expect(c?.jobId).not.toBe(a?.jobId);
    expect(c?.recipe).toEqual(other);
    expect(rig.db.prepare('SELECT count(*) FROM texts').pluck().get()).toBe(1);
  });
});

describe('the wish to cancel and the exit', () => {
  it('both stay written: the wish with its time, the code as it was', () => {
    using rig = new StoreRig();
    const run = rig.in('running');
    rig.nowMs += 5;
    rig.store.requestCancel(run.id);
    rig.store.exit(run.id, exitFacts(rig.nowMs + 5, { exitCode: 0 }));
    const ended = rig.store.cancel(run.id, { reason: 'cancelled', artifacts: { count: 2, bytes: 30 } });
    expect(ended).toMatchObject({
      cancelRequestedAt: rig.nowMs,
      exitCode: 0,
      reason: 'cancelled',
      artifactCount: 2,
      artifactBytes: 30,
    });
  });
});
