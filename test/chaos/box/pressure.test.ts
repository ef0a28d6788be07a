import { expect, test } from 'vitest';
import { Pressure } from './pressure.ts';

test('what the kernel adds up now and then is spread over the time before, and is never more than the time', () => {
  const pressure = new Pressure();
  for (const [atMs, totalMs] of [
    [0, 1000],
    [500, 1000],
    [2000, 2000],
    [4000, 2000],
    [4500, 7000],
  ] as const)
    pressure.note(atMs, totalMs);
  expect(pressure.between(0, 2000)).toBe(1000);
  expect(pressure.between(500, 700)).toBe(100);
  expect(pressure.between(2000, 2100)).toBe(100);
  expect(new Pressure().between(0, 100)).toBe(0);
});
