import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../shared/duration.ts';

describe('parseDuration', () => {
  it.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['1h30m', 5_400_000],
    ['1h 30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
    ['4H', 14_400_000],
    ['250ms', 250],
    ['1m250ms', 60_250],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it('says that a bare number has no unit', () => {
    expect(() => parseDuration('30')).toThrow('the time "30" has no unit');
  });

  it.each(['', 'm', '30 minutes', '30m1h', '1h1h', '-5m', '1e3s', '4h!', '9999999999999d', '1 0 0'])(
    'refuses %j',
    (text) => {
      expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'usage' }));
    },
  );

  it('reads back what formatDuration writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), (ms) => parseDuration(formatDuration(ms)) === ms),
    );
  });
});

it.each([
  [0, '0s'],
  [5_400_000, '1h30m'],
  [90_061_001, '1d1h1m1s1ms'],
])('formatDuration(%d) is %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
