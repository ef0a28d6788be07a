// Option values that need more than a string. Parsers throw `usage` with the option's name and what it takes.
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../shared/duration.ts';
import { messageOf } from '../../shared/errors.ts';

export interface GpuRequest {
  gpus: number;
  gpuType?: string;
}

/** `2`, `a100` or `a100:2`. */
export function parseGpus(text: string): GpuRequest {
  const match = /^(?:([A-Za-z][\w.+-]*?)(?::(\d+))?|(\d+))$/.exec(text);
  if (match === null) throw new InvalidArgumentError('It takes a number, or TYPE:NUMBER as in a100:2.');
  const [, gpuType, typed, bare] = match;
  return { gpus: Number(bare ?? typed ?? 1), ...(gpuType !== undefined && { gpuType }) };
}

/** Whole number for commander, with the option's own limits. */
export function integerIn(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[+-]?\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(
      max === Number.MAX_SAFE_INTEGER
        ? `It takes a whole number, ${min} or more.`
        : `It takes a whole number from ${min} to ${max}.`,
    );
  };
}

/** `4h` → milliseconds. */
export function parseTime(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(`${messageOf(error)}: write it with units, as in 90s, 30m or 1h30m.`);
  }
}

/** `2h` back from now, or a date: of the local day's beginning when it has no time. Throws `usage`. */
export function parseSince(text: string, now: Date): Date {
  const isDate = /^\d{4}-\d\d-\d\d/.test(text);
  const at = isDate ? Date.parse(text.length === 10 ? `${text}T00:00:00` : text) : Number.NaN;
  return new Date(Number.isNaN(at) ? now.getTime() - parseDuration(text) : at);
}

/** Options that take a comma list, may be repeated, or both. */
export function collectList(text: string, previous: string[] | undefined): string[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  return [...(previous ?? []), ...items];
}

/** Options that may be repeated, and whose values may hold commas. */
export function collect(text: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), text];
}
