// Runs as a table, with only the columns that these runs use.
import type { Run } from '../../shared/schemas/run.ts';
import { printable } from './quote.ts';
import { commandOf, elapsedText, shortId, statusText } from './run-words.ts';
import { paintStatus, type Style } from './style.ts';
import { type Column, formatTable } from './table.ts';
import { formatShortTime } from './units.ts';

export interface RunTableOptions {
  now: Date;
  style: Style;
  width?: number | undefined;
}

export function formatRuns(runs: readonly Run[], { now, style, width }: RunTableOptions): string {
  const severalWorkspaces = new Set(runs.map(({ workspace }) => workspace)).size > 1;
  const severalRunners = runs.some(({ backend }) => backend !== 'base' && backend !== 'local');
  const columns: Column<Run>[] = [
    { title: 'ID', value: (run) => shortId(run.id), paint: style.bold },
    { title: 'NAME', value: (run) => printable(run.name ?? '') },
    {
      title: 'STATUS',
      value: (run) => statusText(run),
      paint: (cell, run) => paintStatus(style, run.status, cell),
    },
    { title: 'SUBMITTED', value: (run) => formatShortTime(run.createdAt, now) },
    { title: 'TOOK', value: (run) => elapsedText(run, now), align: 'right' },
    { title: 'WORKSPACE', value: (run) => (severalWorkspaces ? printable(run.workspace) : '') },
    { title: 'RUNNER', value: (run) => (severalRunners ? printable(run.backend) : '') },
    { title: 'GPUS', value: gpusText },
    { title: 'COMMAND', value: commandOf, flexible: true },
    { title: 'WAITS FOR', value: waitsFor, flexible: true, paint: style.yellow },
  ];
  return formatTable(runs, columns, { width, paintTitle: style.dim });
}

function gpusText({ devices, resources: { gpus, gpuType } }: Run): string {
  if (devices.length > 0) return devices.join(',');
  return gpus === 0 ? '' : `${gpuType === null ? '' : `${gpuType}:`}${gpus}`;
}

function waitsFor(run: Run): string {
  return run.status === 'pending' ? printable(run.message ?? '') : '';
}
