import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WaitLimit } from '../../../daemon/api/wait-limit.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the limit of a wait', () => {
  it('ends it when time is up, and not before', () => {
    const limit = new WaitLimit(1000, []);
    vi.advanceTimersByTime(999);
    expect(limit.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(limit.signal.aborted).toBe(true);
  });

  it('ends it with any of the others, also one that is aborted already', () => {
    const [client, daemon] = [new AbortController(), new AbortController()];
    const limit = new WaitLimit(1000, [client.signal, daemon.signal]);
    daemon.abort();
    expect(limit.signal.aborted).toBe(true);
    expect(new WaitLimit(1000, [daemon.signal]).signal.aborted).toBe(true);
  });

  it('leaves nothing behind when it is released', () => {
    const { signal: daemon } = new AbortController();
    const limit = new WaitLimit(3_600_000, [daemon]);
    expect(vi.getTimerCount()).toBe(1);
    limit.release();
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(daemon, 'abort')).toHaveLength(0);
  });
});
