// One line of the daemon's log for people: time, level, message, then the rest as key=value.
import { printable } from './quote.ts';
import type { Style } from './style.ts';
import { formatTime } from './units.ts';

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const NOT_REPEATED: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'pid', 'hostname', 'v', 'name']);

/** A line that is no JSON object (written by a crash, say) comes back as it is. */
export function formatLogLine(line: string, style: Style): string {
  const record = parseRecord(line);
  if (record === null) return printable(line);
  const level =
    typeof record.level === 'number' ? (LEVELS[record.level] ?? 'info') : String(record.level ?? 'info');
  const paint =
    level === 'error' || level === 'fatal' ? style.red : level === 'warn' ? style.yellow : style.dim;
  const fields = Object.entries(record)
    .filter(([key]) => !NOT_REPEATED.has(key))
    .map(([key, value]) => style.dim(printable(`${key}=${fieldText(value)}`)));
  const message = printable(String(record.msg ?? ''));
  return [timeOf(record.time), paint(level.padEnd(5)), message, ...fields]
    .filter((part) => part !== '')
    .join(' ');
}

function parseRecord(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function timeOf(time: unknown): string {
  const at = typeof time === 'number' || typeof time === 'string' ? new Date(time) : null;
  return at === null || Number.isNaN(at.getTime()) ? '' : formatTime(at.toISOString());
}

/** An error's stack stays in the file: here its message tells. */
function fieldText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null && 'message' in value && 'stack' in value)
    return String(value.message);
  return JSON.stringify(value) ?? '';
}
