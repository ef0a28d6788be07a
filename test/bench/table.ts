// The figures as a table for people. Pure.
import type { Figure } from './figure.ts';

const HEAD = ['figure', 'qwex', 'compared to', '', 'ratio', 'target', ''];

export function formatTable(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '));
  return lines.map((line) => line.trimEnd()).join('\n');
}

function cells(row: Figure): string[] {
  const other = row.other === null ? '' : `${short(row.other)} ${row.unit}`;
  const verdict = row.met === null ? '' : row.met ? 'met' : 'MISSED';
  return [
    row.figure,
    `${short(row.ours)} ${row.unit}`,
    row.otherName ?? '',
    other,
    row.ratio === null ? '' : `${short(row.ratio)}×`,
    row.target,
    verdict,
  ];
}

function short(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}
