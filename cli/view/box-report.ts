// What members used, as a table, and below it what is worth a look.
import type { BoxReportResponse, BoxReportRow } from '../../shared/box.ts';
import { type BoxViewOptions, formatDevices } from './box-status.ts';
import { printable } from './quote.ts';
import { type Column, formatTable } from './table.ts';
import { formatElapsed, formatShortTime } from './units.ts';

export function formatReport(report: BoxReportResponse, options: BoxViewOptions): string {
  const { now, style, width } = options;
  const columns: Column<BoxReportRow>[] = [
    { title: 'MEMBER', value: ({ member }) => printable(member), paint: style.bold },
    { title: 'RUNS', value: ({ runs }) => String(runs), align: 'right' },
    { title: 'DEVICE TIME', value: ({ deviceSeconds }) => elapsed(deviceSeconds), align: 'right' },
    { title: 'OF ALL', value: ({ share }) => percent(share), align: 'right' },
    {
      title: 'SEEN BY OTHERS',
      value: ({ witnessedDeviceSeconds }) => elapsed(witnessedDeviceSeconds),
      align: 'right',
    },
    {
      title: 'COUNTS NOW',
      value: ({ decayedDeviceSeconds }) => elapsed(decayedDeviceSeconds),
      align: 'right',
    },
    { title: 'NOTE', value: ({ note }) => printable(note ?? ''), paint: style.yellow },
  ];
  const { members, remarkable, sinceMs } = report;
  const since = formatShortTime(new Date(sinceMs).toISOString(), now);
  const parts = [
    style.dim(`since ${since}; what counts now is what fair share goes by`),
    formatTable(members, columns, { paintTitle: style.dim }),
  ];
  if (remarkable.length > 0) parts.push(`worth a look:\n${formatDevices(remarkable, { now, style, width })}`);
  return parts.join('\n\n');
}

function elapsed(seconds: number): string {
  return seconds === 0 ? '0' : formatElapsed(seconds * 1000);
}

function percent(share: number): string {
  const amount = share * 100;
  return amount > 0 && amount < 1 ? '<1%' : `${Math.round(amount)}%`;
}
