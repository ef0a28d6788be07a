import { expect, test } from 'vitest';
import { formatTable } from '../../../cli/view/table.ts';
import { cutTo, widthOf } from '../../../cli/view/width.ts';

interface Row {
  id: string;
  note: string;
  size: string;
}
const columns = [
  { title: 'ID', value: ({ id }: Row) => id },
  { title: 'SIZE', value: ({ size }: Row) => size, align: 'right' as const },
  { title: 'NOTE', value: ({ note }: Row) => note, flexible: true },
];

test('shows only the columns in use, aligned', () => {
  const rows = [
    { id: 'a', note: '', size: '9 B' },
    { id: '日本', note: '', size: '1.2 MB' },
  ];
  expect(formatTable(rows, columns)).toBe(['ID      SIZE', 'a        9 B', '日本  1.2 MB'].join('\n'));
});

test('cuts flexible columns to the window, and nothing without one', () => {
  const rows = [{ id: 'a', note: 'x'.repeat(50), size: '1 B' }];
  const lines = formatTable(rows, columns, { width: 30 }).split('\n');
  expect(Math.max(...lines.map(widthOf))).toBe(30);
  expect(lines[1]).toMatch(/x…$/);
  expect(formatTable(rows, columns)).toContain('x'.repeat(50));
});

test('colours do not count as width', () => {
  const painted = columns.map((column) => ({
    ...column,
    paint: (cell: string) => `\u001b[31m${cell}\u001b[39m`,
  }));
  const rows = [
    { id: 'a', note: 'n', size: '1 B' },
    { id: 'bcd', note: 'n', size: '1 B' },
  ];
  const strip = (text: string) => text.replaceAll('\u001b[31m', '').replaceAll('\u001b[39m', '');
  expect(strip(formatTable(rows, painted))).toBe(formatTable(rows, columns));
});

test('no rows, no header', () => {
  expect(formatTable([], columns)).toBe('');
});

test('cutting keeps whole characters', () => {
  expect(cutTo('日本語', 4)).toBe('日…');
  expect(cutTo('abc', 3)).toBe('abc');
});
