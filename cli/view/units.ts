// Times, lengths of time and sizes for people. Times are local; the zone is the machine's.

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const two = (value: number) => String(value).padStart(2, '0');

/** `2026-11-21 14:20:05` */
export function formatTime(iso: string): string {
  const at = new Date(iso);
  return `${formatDate(at)} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** As short as it can be understood on the day of `now`: `14:20:05`, or `2026-11-20 14:20`. */
export function formatShortTime(iso: string, now: Date): string {
  const text = formatTime(iso);
  return formatDate(new Date(iso)) === formatDate(now) ? text.slice(11) : text.slice(0, 16);
}

function formatDate(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** Two units at most: `350ms`, `4.2s`, `3m 05s`, `2h 14m`, `3d 04h`. */
export function formatElapsed(ms: number): string {
  const rounded = Math.max(0, Math.round(ms));
  if (rounded < SECOND_MS) return `${rounded}ms`;
  if (rounded < 10 * SECOND_MS) return `${(Math.floor(rounded / 100) / 10).toFixed(1)}s`;
  if (rounded < MINUTE_MS) return `${Math.floor(rounded / SECOND_MS)}s`;
  if (rounded < HOUR_MS) return pair(rounded, [MINUTE_MS, 'm'], [SECOND_MS, 's']);
  if (rounded < DAY_MS) return pair(rounded, [HOUR_MS, 'h'], [MINUTE_MS, 'm']);
  return pair(rounded, [DAY_MS, 'd'], [HOUR_MS, 'h']);
}

function pair(ms: number, [big, bigName]: [number, string], [small, smallName]: [number, string]): string {
  return `${Math.floor(ms / big)}${bigName} ${two(Math.floor((ms % big) / small))}${smallName}`;
}

/** Decimal units, as `ls --si` has them: `812 B`, `1.2 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes;
  let unit = -1;
  do {
    value /= 1000;
    unit += 1;
  } while (value >= 999.95 && unit < 4);
  return `${value < 100 ? value.toFixed(1) : value.toFixed(0)} ${'kMGTP'[unit]}B`;
}

/** `1 file`, `3 files` */
export function count(amount: number, word: string, plural = `${word}s`): string {
  return `${amount} ${amount === 1 ? word : plural}`;
}
