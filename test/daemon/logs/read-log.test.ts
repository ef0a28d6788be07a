import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { readLog } from '../../../daemon/logs/read-log.ts';

const folder = fs.mkdtempSync(join(tmpdir(), 'qwex-read-log-'));
const file = join(folder, 'stdout.log');
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** The last lines by splitting: what `tail -n` prints. */
function tailOf(content: Buffer, lines: number): Buffer {
  const pieces = content.toString('latin1').split(/(?<=\n)/);
  return Buffer.from(pieces.slice(lines === 0 ? pieces.length : -lines).join(''), 'latin1');
}

test('a log that is not there is empty', async () => {
  const piece = await readLog(join(folder, 'none/stdout.log'), { limitBytes: 10, offset: 5 });
  expect(piece).toEqual({ data: Buffer.alloc(0), offset: 0, nextOffset: 0, sizeBytes: 0 });
});

test('pieces put together are the log, whatever their size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 1, max: 50 }),
      async (bytes, limitBytes) => {
        fs.writeFileSync(file, bytes);
        const pieces: Buffer[] = [];
        for (let offset = 0; ; ) {
          const piece = await readLog(file, { offset, limitBytes });
          expect(piece.data.length).toBeLessThanOrEqual(limitBytes);
          expect([piece.offset, piece.sizeBytes]).toEqual([offset, bytes.length]);
          if (piece.data.length === 0) break;
          pieces.push(piece.data);
          offset = piece.nextOffset;
        }
        expect(Buffer.concat(pieces)).toEqual(Buffer.from(bytes));
      },
    ),
    { numRuns: 50 },
  );
  const { size } = fs.statSync(file);
  expect(await readLog(file, { offset: size + 10, limitBytes: 5 })).toMatchObject({
    offset: size,
    nextOffset: size,
  });
});

test('the last lines are those of a naive reading, within the limit', async () => {
  const content = fc
    .array(fc.oneof(fc.constant(0x0a), fc.integer({ min: 0, max: 255 })), { maxLength: 200 })
    .map((bytes) => Buffer.from(bytes));
  await fc.assert(
    fc.asyncProperty(
      content,
      fc.nat({ max: 12 }),
      fc.integer({ min: 1, max: 250 }),
      async (bytes, tailLines, limitBytes) => {
        fs.writeFileSync(file, bytes);
        const piece = await readLog(file, { tailLines, limitBytes });
        const whole = tailOf(bytes, tailLines);
        const expected = whole.subarray(Math.max(0, whole.length - limitBytes));
        expect(piece.data).toEqual(expected);
        expect([piece.offset, piece.nextOffset]).toEqual([bytes.length - expected.length, bytes.length]);
      },
    ),
    { numRuns: 300 },
  );
});

test('the last lines of a long log, across the chunks it is read in', async () => {
  const lines = Array.from({ length: 40_000 }, (_, index) => `line ${index}\n`);
  const content = Buffer.from(`${lines.join('')}no newline`);
  fs.writeFileSync(file, content);
  for (const tailLines of [1, 2, 5_000, 20_001, 40_001, 50_000]) {
    const piece = await readLog(file, { tailLines, limitBytes: content.length });
    expect(piece.data.equals(tailOf(content, tailLines))).toBe(true);
  }
});
