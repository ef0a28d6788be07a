import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Daily } from '../../../daemon/house/daily.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('chores are done at once and every day until they are stopped, also after one has failed', async () => {
  const done: string[] = [];
  const faults: unknown[] = [];
  const fault = new Error('no');
  const chores = [
    () => {
      throw fault;
    },
    () => Promise.reject(fault),
    async () => void done.push('tidied'),
  ];
  const daily = new Daily(chores, (error) => faults.push(error));
  daily.start();
  await vi.advanceTimersByTimeAsync(0);
  expect(done).toEqual(['tidied']);
  await vi.advanceTimersByTimeAsync(3 * 24 * 3600_000);
  expect(done).toHaveLength(4);
  expect(faults).toEqual(Array(8).fill(fault));
  daily.stop();
  await vi.advanceTimersByTimeAsync(24 * 3600_000);
  expect(done).toHaveLength(4);
});
