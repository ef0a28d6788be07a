import { describe, expect, it } from 'vitest';
import { recipeOf, StoreRig } from './rig.ts';

describe('events', () => {
  it('are numbered without a gap, carry the state of their moment, and are kept as they were told', () => {
    using rig = new StoreRig();
    const run = rig.in('failed');
    expect(rig.heard.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(rig.heard.map(({ type, status }) => [type, status])).toEqual([
      ['run.submitted', 'pending'],
      ['run.claimed', 'pending'],
      ['run.started', 'running'],
      ['run.exited', 'running'],
      ['run.failed', 'failed'],
    ]);
    expect(rig.heard.at(-1)).toEqual({
      seq: 5,
      type: 'run.failed',
      at: new Date(rig.nowMs).toISOString(),
      runId: run.id,
      status: 'failed',
      phase: 'failed',
      reason: 'exit',
      exitCode: 1,
    });
    expect(rig.store.events.since(0, 100)).toEqual(rig.heard);
    expect(rig.store.events.since(3, 1).map(({ seq }) => seq)).toEqual([4]);
  });

  it('are told after the commit: a listener reads what it hears of', () => {
    using rig = new StoreRig();
    const seen: unknown[] = [];
    rig.store.events.listen((events) => {
      for (const { runId, phase } of events)
        seen.push([rig.db.inTransaction, phase, rig.store.runs.get(runId ?? '')?.phase]);
    });
    rig.in('running');
    expect(seen).toEqual([
      [false, 'queued', 'queued'],
      [false, 'preparing', 'preparing'],
      [false, 'running', 'running'],
    ]);
  });

  it('of a transaction that fails are never told, and their numbers are given again', () => {
    using rig = new StoreRig();
    rig.submit();
    const before = rig.everything();
    const [good, bad] = [rig.newRun(), rig.newRun({ after: [{ id: 'nobody', policy: 'any' }] })];
    expect(() => rig.store.submit([good, bad], 'key')).toThrow(/there is no such run any more/);
    expect(rig.everything()).toBe(before);
    expect(rig.heard).toHaveLength(1);
    rig.submit();
    expect(rig.heard.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('of several verbs in one transaction are told together, at its end', () => {
    using rig = new StoreRig();
    const batches: string[][] = [];
    rig.store.events.listen((events) => batches.push(events.map(({ type }) => type)));
    rig.store.transaction(() => {
      const run = rig.submit();
      rig.store.hold(run.id);
      expect(batches).toEqual([]);
    });
    expect(batches).toEqual([['run.submitted', 'run.held']]);
  });

  it('that a listener causes are told after those that it heard, to everyone in the same order', () => {
    using rig = new StoreRig();
    const [first, second]: [string[], string[]] = [[], []];
    rig.store.events.listen((events) => {
      first.push(...events.map(({ type }) => type));
      for (const { type, runId } of events) if (type === 'run.submitted') rig.store.hold(runId ?? '');
    });
    rig.store.events.listen((events) => second.push(...events.map(({ type }) => type)));
    rig.submit();
    expect(first).toEqual(['run.submitted', 'run.held']);
    expect(second).toEqual(first);
  });

  it('reach the others when one listener throws, and the next ones too', () => {
    using rig = new StoreRig();
    const stop = rig.store.events.listen(() => {
      throw new Error('a bug');
    });
    const heard: string[] = [];
    rig.store.events.listen((events) => heard.push(...events.map(({ type }) => type)));
    expect(() => rig.submit()).toThrow(AggregateError);
    stop();
    rig.submit();
    expect(heard).toEqual(['run.submitted', 'run.submitted']);
  });

  it('are trimmed to the newest, and the numbers go on', () => {
    using rig = new StoreRig();
    expect(rig.store.events.bounds()).toEqual({ first: 1, last: 0 });
    for (let i = 0; i < 5; i += 1) rig.submit();
    rig.store.events.trim(2);
    expect(rig.store.events.since(0, 10).map(({ seq }) => seq)).toEqual([4, 5]);
    expect(rig.store.events.bounds()).toEqual({ first: 4, last: 5 });
    rig.store.events.trim(0);
    expect(rig.store.events.bounds()).toEqual({ first: 6, last: 5 });
    rig.submit();
    expect(rig.heard.at(-1)?.seq).toBe(6);
  });

  it('tell of the pause of the queue, once', () => {
    using rig = new StoreRig();
    rig.store.setPaused(true);
    rig.store.setPaused(true);
    rig.store.setPaused(false);
    expect(rig.heard.map(({ type, runId, status }) => [type, runId, status])).toEqual([
      ['queue.paused', null, null],
      ['queue.resumed', null, null],
    ]);
  });
});

describe('forget', () => {
  it('takes the job and its sources with the last run of it', () => {
    using rig = new StoreRig();
    const [a, b] = [rig.in('succeeded'), rig.in('failed')];
    const rows = (table: string) => rig.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
    rig.store.forget(a.id);
    expect([rows('runs'), rows('jobs'), rows('texts')]).toEqual([1, 1, 1]);
    rig.store.forget(b.id);
    expect([rows('runs'), rows('jobs'), rows('texts')]).toEqual([0, 0, 0]);
  });

  it('keeps sources that another job has too', () => {
    using rig = new StoreRig();
    const other = recipeOf({ command: ['other'] });
    const run = rig.in('succeeded');
    const kept = rig.in('succeeded', { recipe: other });
    rig.store.forget(run.id);
    expect(rig.store.mustGetScript(kept.jobId).sources).toBe('[]');
  });

  it('refuses a run that goes on', () => {
    using rig = new StoreRig();
    const run = rig.in('running');
    expect(() => rig.store.forget(run.id)).toThrow(/cannot remove run .*: it is running/);
  });
});
