import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeOutput, encodeOutput } from '../../shared/output-frame.ts';

it('a frame gives back the stream, the place and the bytes that went in', () => {
  const chunk = fc.record({
    stream: fc.constantFrom('stdout' as const, 'stderr' as const),
    offset: fc.maxSafeNat(),
    data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  });
  fc.assert(
    fc.property(chunk, (given) => {
      const frame = encodeOutput(given);
      expect(frame).toHaveLength(given.data.length + 9);
      expect(decodeOutput(frame)).toEqual(given);
    }),
  );
});

it('a frame is laid out as the protocol says', () => {
  const frame = encodeOutput({ stream: 'stderr', offset: 258, data: Buffer.from('hi') });
  expect([...frame]).toEqual([2, 0, 0, 0, 0, 0, 0, 1, 2, 104, 105]);
});

it.each([[[]], [[1, 0, 0]], [[0, 0, 0, 0, 0, 0, 0, 0, 0]], [[3, 0, 0, 0, 0, 0, 0, 0, 0, 65]]])(
  'bytes that are no frame are refused: %j',
  (bytes) => {
    expect(() => decodeOutput(Buffer.from(bytes))).toThrow(RangeError);
  },
);
