import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IgnorePatterns } from '../../../daemon/artifacts/ignore.ts';

const matches = (pattern: string, path: string, isDirectory = false) =>
  new IgnorePatterns([pattern]).matches(path, isDirectory);

test.each([
  ['*.tmp', 'a.tmp', true],
  ['*.tmp', 'out/deep/a.tmp', true],
  ['*.tmp', 'out/a.tmp.gz', false],
  ['*.tmp', 'out/.tmp', true],
  ['__pycache__', 'out/__pycache__', true],
  ['__pycache__', 'out/__pycache__x', false],
  ['a/b/*.bin', 'a/b/c.bin', true],
  ['a/b/*.bin', 'x/a/b/c.bin', false],
  ['a/b/*.bin', 'a/b/c/d.bin', false],
  ['a/**/z', 'a/z', true],
  ['a/**/z', 'a/b/c/z', true],
  ['**/b/c', 'x/y/b/c', true],
  ['/top', 'top', true],
  ['/top', 'out/top', false],
  ['ckpt-?.[pb]t', 'out/ckpt-1.pt', true],
  ['ckpt-?.[pb]t', 'out/ckpt-12.pt', false],
  ['v[0-9]', 'v7', true],
  ['v[!0-9]', 'v7', false],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['[', '[', true],
  ['?', '🐳', true],
  ['a\nb', 'out/a\nb', true],
])('%j and %j: %s', (pattern, path, expected) => {
  expect(matches(pattern, path)).toBe(expected);
});

test('a trailing slash is for directories; empty patterns match nothing; ! is refused', () => {
  expect(matches('cache/', 'out/cache', true)).toBe(true);
  expect(matches('cache/', 'out/cache', false)).toBe(false);
  expect(new IgnorePatterns(['', '/']).matches('a', true)).toBe(false);
  expect(() => new IgnorePatterns(['!keep'])).toThrow(expect.objectContaining({ code: 'invalid_config' }));
});

test('matchesBelow looks at the folders above, too', () => {
  const ignore = new IgnorePatterns(['__pycache__']);
  expect(ignore.matchesBelow('src/__pycache__/x.pyc')).toBe(true);
  expect(ignore.matchesBelow('src/pycache/x.pyc')).toBe(false);
});

test('stars and letters match as the regular expression says', () => {
  const pattern = fc.array(fc.constantFrom('*', '?', 'a', 'b', '.')).map((parts) => `x${parts.join('')}`);
  const name = fc.array(fc.constantFrom('a', 'b', '.')).map((parts) => `x${parts.join('')}`);
  fc.assert(
    fc.property(pattern, name, (glob, text) => {
      const source = glob.replaceAll('.', '\\.').replaceAll(/\*+/g, '.*').replaceAll('?', '.');
      expect(matches(glob, text)).toBe(new RegExp(`^${source}$`).test(text));
    }),
    { numRuns: 2000 },
  );
});

test('a pattern made to explode does not', () => {
  const steps = 30;
  expect(matches(`${'*a'.repeat(steps)}b`, 'a'.repeat(5_000))).toBe(false);
});
