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
  expect(started).toEqual([0, 1]);
  finish.get(1)?.(new Error('no'));
  await expect(results[1]).rejects.toThrow('no');
  expect(started).toEqual([0, 1, 2]);
  finish.get(0)?.();
  await results[0];
  expect(started).toEqual([0, 1, 2, 3]);
  finish.get(2)?.();
  await results[2];
  finish.get(3)?.();
  finish.get(4)?.();
  expect(await Promise.all([results[0], results[2], results[3], results[4]])).toEqual([0, 2, 3, 4]);
  expect(await limit.run(async () => 'free again')).toBe('free again');
});
