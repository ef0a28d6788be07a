// A box as two tables: its devices, and the line before them.
import type { BoxDeviceStatus, BoxLineEntry, BoxStatus } from '../../shared/box.ts';
import { shortId } from '../../shared/ids.ts';
import { printable, quotePath } from './quote.ts';
import type { Style } from './style.ts';
import { type Column, formatTable } from './table.ts';
import { formatElapsed, formatShortTime } from './units.ts';

export interface BoxViewOptions {
  now: Date;
  style: Style;
  width?: number | undefined;
}

export function formatBox(status: BoxStatus, options: BoxViewOptions): string {
  const { style } = options;
  const kind = status.shared ? 'shared' : 'your own: no other member';
  const parts = [
    `${style.bold(quotePath(status.path))}  ${style.dim(`(${kind})`)}`,
    formatDevices(status.devices, options),
    formatLine(status.line, options),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

export function formatDevices(devices: readonly BoxDeviceStatus[], options: BoxViewOptions): string {
  const { now, style, width } = options;
  const columns: Column<BoxDeviceStatus>[] = [
    { title: 'DEVICE', value: ({ id }) => printable(id), paint: style.bold },
    { title: 'TYPE', value: ({ type }) => printable(type) },
    {
      title: 'STATE',
      value: ({ state }) => state,
      paint: (cell, { state }) => paintState(style, state, cell),
    },
    { title: 'MEMBER', value: ({ member }) => printable(member ?? '') },
    { title: 'RUN', value: ({ run }) => (run === null ? '' : printable(shortId(run))) },
    { title: 'TIME LEFT', value: (device) => timeLeft(device, now), align: 'right' },
    { title: 'MEMORY', value: memoryText, align: 'right' },
    { title: 'USE', value: useText, align: 'right' },
    { title: 'NOTE', value: noteText, flexible: true, paint: style.yellow },
  ];
  return formatTable(devices, columns, { width, paintTitle: style.dim });
}

/** The reasons are whole sentences and the point of it all: they are not cut, each has a line of its own. */
function formatLine(line: readonly BoxLineEntry[], { now, style }: BoxViewOptions): string {
  if (line.length === 0) return style.dim('nobody waits');
  const columns: Column<BoxLineEntry>[] = [
    { title: 'PLACE', value: ({ position }) => (position === null ? '-' : String(position)), align: 'right' },
    { title: 'RUN', value: ({ run }) => printable(shortId(run)), paint: style.bold },
    { title: 'MEMBER', value: ({ member }) => printable(member) },
    {
      title: 'GPUS',
      value: ({ gpus, type }) => (type === null ? String(gpus) : `${printable(type)}:${gpus}`),
    },
    { title: 'STARTS BY', value: ({ expectedMs }) => startText(expectedMs, now) },
    { title: 'WHY IT WAITS', value: ({ reason }) => printable(reason), paint: style.yellow },
  ];
  return formatTable(line, columns, { paintTitle: style.dim });
}

function paintState(style: Style, state: BoxDeviceStatus['state'], cell: string): string {
  switch (state) {
    case 'free':
      return style.green(cell);
    case 'leased':
      return style.cyan(cell);
    case 'stranger':
    case 'missing':
      return style.red(cell);
    case 'drained':
      return style.dim(cell);
    default:
      return state satisfies never;
  }
}

function timeLeft({ state, untilMs }: BoxDeviceStatus, now: Date): string {
  if (state !== 'leased' || untilMs === null) return '';
  const leftMs = untilMs - now.getTime();
  return leftMs > 0 ? formatElapsed(leftMs) : 'over';
}

/** `12.1/40.0 GB`, in the units of the drivers. */
function memoryText({ memoryMb, memoryUsedMb }: BoxDeviceStatus): string {
  if (memoryMb === 0) return '';
  const total = `${gigabytes(memoryMb)} GB`;
  return memoryUsedMb === null ? total : `${gigabytes(memoryUsedMb)}/${total}`;
}

function gigabytes(mb: number): string {
  return (mb / 1024).toFixed(1);
}

function useText({ utilizationPercent }: BoxDeviceStatus): string {
  return utilizationPercent === null ? '' : `${Math.round(utilizationPercent)}%`;
}

/** What the state says already is left out. */
function noteText({ state, note }: BoxDeviceStatus): string {
  const text = printable(note ?? '');
  return state === 'drained' ? text.replace(/^drained(?:: ?)?/, '') : text;
}

function startText(expectedMs: number | null, now: Date): string {
  if (expectedMs === null) return 'unknown';
  return expectedMs <= now.getTime() ? 'now' : formatShortTime(new Date(expectedMs).toISOString(), now);
}
