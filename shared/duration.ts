// Lengths of time as people write them: `30m`, `1h30m`, `2d`. A bare number is refused everywhere,
// because half of the tools of this field read it as seconds and the other half as minutes.
import { QwexError } from './errors.ts';

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

const PART = /(\d+(?:\.\d+)?)(ms|[dhms])/g;
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|[dhms]))+$/;

/** `1h30m` → 5400000 (ms). Units d h m s ms, largest first, each at most once. Throws `usage`. */
export function parseDuration(text: string): number {
  const compact = text.replace(/\s+/g, '').toLowerCase();
  if (!WHOLE.test(compact)) throw notADuration(text);
  let totalMs = 0;
  let smallest = -1;
  for (const [, amount, unit] of compact.matchAll(PART)) {
    const rank = UNITS.findIndex(([name]) => name === unit);
    const unitMs = UNITS[rank]?.[1];
    if (unitMs === undefined || rank <= smallest) throw notADuration(text);
    smallest = rank;
    totalMs += Number(amount) * unitMs;
  }
  const rounded = Math.round(totalMs);
  if (!Number.isSafeInteger(rounded)) throw notADuration(text);
  return rounded;
}

/** The inverse of parseDuration, exact to the millisecond: 5400000 → `1h30m`. Takes whole ms ≥ 0. */
export function formatDuration(ms: number): string {
  let restMs = Math.max(0, Math.round(ms));
  let text = '';
  for (const [name, unitMs] of UNITS) {
    const amount = Math.floor(restMs / unitMs);
    if (amount === 0) continue;
    text += `${amount}${name}`;
    restMs -= amount * unitMs;
  }
  return text === '' ? '0s' : text;
}

function notADuration(text: string): QwexError {
  const bare = /^\s*\d+(\.\d+)?\s*$/.test(text);
  return new QwexError({
    code: 'usage',
    message: bare ? `the time "${text.trim()}" has no unit` : `"${text}" is not a length of time`,
    hint: 'write it with units, the largest first: 90s, 30m, 1h30m, 2d',
  });
}
