import { expect, it } from 'vitest';
import { Limit } from '../../../daemon/rundir/limit.ts';

it('lets so many work at once, the others in their order, and a failure gives its place on', async () => {
  const limit = new Limit(2);
  const started: number[] = [];
  const finish = new Map<number, (error?: Error) => void>();
  const results = [0, 1, 2, 3, 4].map((n) =>
    limit.run(() => {
      started.push(n);
      return new Promise<number>((resolve, reject) => {
        finish.set(n, (error) => (error ? reject(error) : resolve(n)));
      });
    }),
  );
  await expect.poll(() => started).toEqual([0, 1]);
  finish.get(1)?.(new Error('no'));
  await expect(results[1]).rejects.toThrow('no');
  await expect.poll(() => started).toEqual([0, 1, 2]);
  finish.get(0)?.();
  await results[0];
  await expect.poll(() => started).toEqual([0, 1, 2, 3]);
  finish.get(2)?.();
  await results[2];
  await expect.poll(() => started).toEqual([0, 1, 2, 3, 4]);
  finish.get(3)?.();
  finish.get(4)?.();
  expect(await Promise.all([results[0], results[2], results[3], results[4]])).toEqual([0, 2, 3, 4]);
  expect(await limit.run(async () => 'free again')).toBe('free again');
});

it('a long line of work lets in what else there is to do', async () => {
  const limit = new Limit(32);
  let done = 0;
  const busy = async (): Promise<void> => {
    for (const until = performance.now() + 5; performance.now() < until; );
    done += 1;
  };
  const all = Promise.all(Array.from({ length: 40 }, () => limit.run(busy)));
  const doneBetween: number[] = [];
  while (done < 40) {
    await new Promise((resolve) => setImmediate(resolve));
    doneBetween.push(done);
  }
  await all;
  const most = Math.max(...doneBetween.map((count, at) => count - (doneBetween[at - 1] ?? 0)));
  expect(most).toBeLessThan(10);
});
