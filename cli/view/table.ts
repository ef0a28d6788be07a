// Plain tables: a header, columns by spaces, and no column that nobody uses.
import { cutTo, widthOf } from './width.ts';

export interface Column<Row> {
  title: string;
  value: (row: Row) => string;
  /** Colours the padded cell. */
  paint?: (cell: string, row: Row) => string;
  align?: 'right';
  /** May be cut to make the table fit a window. */
  flexible?: boolean;
}

export interface TableOptions {
  /** Columns of the window; undefined: nothing is cut. */
  width?: number | undefined;
  paintTitle?: (title: string) => string;
}

const GAP = '  ';
const MIN_FLEXIBLE_COLUMNS = 10;

/** Lines of the table, without a final newline; empty text for no rows. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { width, paintTitle = (title) => title }: TableOptions = {},
): string {
  if (rows.length === 0) return '';
  const cells = columns.map((column) => rows.map((row) => column.value(row)));
  const used = columns.flatMap((column, index) => {
    const values = cells[index] ?? [];
    if (values.every((value) => value === '')) return [];
    return [{ column, values, width: Math.max(...[column.title, ...values].map(widthOf)) }];
  });
  if (width !== undefined) shrinkToFit(used, width);
  const line = (cell: (entry: (typeof used)[number]) => { text: string; painted?: (t: string) => string }) =>
    used
      .map((entry, index) => {
        const { text, painted = (t) => t } = cell(entry);
        const cut = cutTo(text, entry.width);
        const padding = ' '.repeat(Math.max(0, entry.width - widthOf(cut)));
        if (entry.column.align === 'right') return padding + painted(cut);
        return painted(cut) + (index === used.length - 1 ? '' : padding);
      })
      .join(GAP);
  const header = line(({ column }) => ({ text: column.title, painted: paintTitle }));
  const body = rows.map((row, index) =>
    line(({ column, values }) => ({
      text: values[index] ?? '',
      painted: (text) => column.paint?.(text, row) ?? text,
    })),
  );
  return [header, ...body].map((text) => text.trimEnd()).join('\n');
}

/** Narrows the flexible columns, the widest first, until the table fits. */
function shrinkToFit<Row>(used: { column: Column<Row>; width: number }[], width: number): void {
  let excess = used.reduce((sum, entry) => sum + entry.width + GAP.length, -GAP.length) - width;
  const flexible = used.filter(({ column }) => column.flexible).sort((a, b) => b.width - a.width);
  for (const entry of flexible) {
    if (excess <= 0) return;
    const give = Math.min(excess, Math.max(0, entry.width - MIN_FLEXIBLE_COLUMNS));
    entry.width -= give;
    excess -= give;
  }
}
