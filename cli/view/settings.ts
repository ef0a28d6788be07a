// The user's settings as a table.
import type { ConfigResponse } from '../../shared/schemas/local.ts';
import { printable } from './quote.ts';
import type { Style } from './style.ts';
import { type Column, formatTable } from './table.ts';

export type Setting = ConfigResponse['settings'][number];

export function formatSettings(
  settings: readonly Setting[],
  style: Style,
  width: number | undefined,
): string {
  const columns: Column<Setting>[] = [
    { title: 'SETTING', value: ({ key }) => key, paint: style.bold },
    { title: 'VALUE', value: ({ value }) => valueText(value) },
    { title: 'SET', value: ({ isDefault }) => (isDefault ? '' : 'yes') },
    { title: 'WHAT', value: ({ help }) => printable(help), flexible: true },
  ];
  return formatTable(settings, columns, { width, paintTitle: style.dim });
}

export function valueText(value: unknown): string {
  return printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
}
