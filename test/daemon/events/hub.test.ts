import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { EventHub } from '../../../daemon/events/hub.ts';
import type { RunEvent } from '../../../shared/schemas/local.ts';

const of = (runId: string | null): RunEvent => ({
  ...{ seq: 1, type: 'run.started', at: '', runId, status: null, phase: null, reason: null, exitCode: null },
});

describe('the hub', () => {
  it('tells those who asked for a run, and those who asked for all, once for all of its events', () => {
    const hub = new EventHub();
    const told: string[] = [];
    hub.onRun('a', () => told.push('a'));
    hub.onRun('b', () => told.push('b'));
    const stop = hub.onAny(() => told.push('any'));
    hub.publish([of('a'), of('a')]);
    stop();
    hub.publish([of('b'), of(null)]);
    expect(told).toEqual(['a', 'any', 'b']);
  });

  it('lets listeners come and go while it tells', () => {
    const hub = new EventHub();
    const told: number[] = [];
    const stop = hub.onRun('a', () => {
      told.push(1);
      stop();
      stop();
      hub.onRun('a', () => told.push(2));
    });
    hub.publish([of('a')]);
    hub.publish([of('a')]);
    expect(told).toEqual([1, 2]);
  });
});

describe('until', () => {
  it('looks at once, and again after each change, until there is something', async () => {
    const hub = new EventHub();
    let looked = 0;
    const found = hub.until('a', () => {
      looked += 1;
      return looked === 3 ? 'there' : undefined;
    });
    hub.publish([of('b')]);
    hub.publish([of('a')]);
    expect(looked).toBe(2);
    hub.publish([of('a')]);
    hub.publish([of('a')]);
    expect(await found).toBe('there');
    expect(looked).toBe(3);
  });

  it.each(['before', 'after'])('is undefined when the signal aborts %s it looks', async (when) => {
    const hub = new EventHub();
    const controller = new AbortController();
    if (when === 'before') controller.abort();
    let looked = 0;
    const look = () => {
      looked += 1;
      return undefined;
    };
    const found = hub.until('a', look, controller.signal);
    controller.abort();
    expect(await found).toBeUndefined();
    hub.publish([of('a')]);
    expect(looked).toBe(when === 'before' ? 0 : 1);
  });

  it('rejects with what looking throws, and leaves nothing on the signal', async () => {
    const hub = new EventHub();
    const { signal } = new AbortController();
    const broken = hub.until(
      'a',
      () => {
        throw new Error('gone');
      },
      signal,
    );
    await expect(broken).rejects.toThrow('gone');
    await hub.until('a', () => true, signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
