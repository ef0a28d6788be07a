import { expect, test } from 'vitest';
import { count, formatBytes, formatElapsed, formatShortTime, formatTime } from '../../../cli/view/units.ts';

test.each([
  [0, '0ms'],
  [350, '350ms'],
  [999.6, '1.0s'],
  [4_260, '4.2s'],
  [59_999, '59s'],
  [185_000, '3m 05s'],
  [3_600_000, '1h 00m'],
  [90_000_000, '1d 01h'],
  [-5, '0ms'],
])('%d ms is %s', (ms, text) => {
  expect(formatElapsed(ms)).toBe(text);
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [999_950, '1.0 MB'],
  [1_234_567, '1.2 MB'],
  [250_000_000, '250 MB'],
  [9e15, '9.0 PB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('times are local, and short on the same day', () => {
  const at = new Date(2026, 10, 21, 14, 5, 9);
  expect(formatTime(at.toISOString())).toBe('2026-11-21 14:05:09');
  expect(formatShortTime(at.toISOString(), new Date(2026, 10, 21, 23))).toBe('14:05:09');
  expect(formatShortTime(at.toISOString(), new Date(2026, 10, 22, 0))).toBe('2026-11-21 14:05');
});

test('one thing, many things', () => {
  expect([count(1, 'run'), count(0, 'run'), count(2, 'run')]).toEqual(['1 run', '0 runs', '2 runs']);
});
