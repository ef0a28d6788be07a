import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodePath, encodePath } from '../../../shared/byte-path.ts';

const anyBytes = fc.oneof(
  fc.uint8Array(),
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
  fc
    .array(fc.constantFrom(0xf4, 0x8f, 0xba, 0x80, 0xbf, 0xbb, 0x61, 0xe2, 0x82))
    .map((bytes) => Buffer.from(bytes)),
);

test('every name has one text, which gives the name back, and survives JSON, URLs and UTF-8', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const name = Buffer.from(bytes);
      const text = encodePath(name);
      expect(decodePath(text)).toEqual(name);
      expect(JSON.parse(JSON.stringify(text))).toBe(text);
      expect(decodeURIComponent(encodeURIComponent(text))).toBe(text);
      expect(Buffer.from(text).toString()).toBe(text);
    }),
    { numRuns: 2000 },
  );
});

test('UTF-8 is left as it is, and no escape hides a slash or a dot', () => {
  expect(encodePath(Buffer.from('modèle ✓ 🐳.pt'))).toBe('modèle ✓ 🐳.pt');
  expect(encodePath(Buffer.from([0x61, 0xff, 0x62]))).toBe('a\u{10feff}b');
  for (let byte = 0x80; byte <= 0xff; byte++) {
    expect([...decodePath(String.fromCodePoint(0x10fe00 + byte))]).toEqual([byte]);
  }
  expect(decodePath('\u{10fe2f}')).toEqual(Buffer.from('\u{10fe2f}'));
});
