import { expect, test } from 'vitest';
import { formatLogLine } from '../../../cli/view/log-line.ts';
import { styleFor } from '../../../cli/view/style.ts';

const plain = styleFor(false, {});

test('time, level, message, then the fields', () => {
  const time = new Date(2026, 10, 21, 14, 0, 1).getTime();
  const line = JSON.stringify({
    level: 40,
    time,
    pid: 1,
    hostname: 'h',
    msg: 'slow',
    run: 'x',
    took: { ms: 3 },
  });
  expect(formatLogLine(line, plain)).toBe('2026-11-21 14:00:01 warn  slow run=x took={"ms":3}');
});

test('an error shows its message, not its stack', () => {
  const line = JSON.stringify({
    level: 50,
    msg: 'failed',
    err: { message: 'no', stack: 'Error: no\n  at x' },
  });
  expect(formatLogLine(line, plain)).toBe('error failed err=no');
});

test.each(['not json \u001b[2J', '[1]', 'null', '"x"'])(
  'a line that is no record stays readable: %s',
  (line) => {
    expect(formatLogLine(line, plain)).toBe(line.replace('\u001b', '\\e'));
  },
);
