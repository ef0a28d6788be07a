// How a check says what it has found: `ok`, or what is wrong and the way out of it.
import type { Check } from '../../../shared/schemas/local.ts';

export function ok(name: string, message: string): Check {
  return { name, state: 'ok', message };
}

export function warning(name: string, message: string, hint: string): Check {
  return { name, state: 'warning', message, hint };
}

export function fault(name: string, message: string, hint: string): Check {
  return { name, state: 'error', message, hint };
}

const NAMED = 3;

/** The first few of many, one after the other. */
export function named(all: readonly string[]): string {
  const rest = all.length - NAMED;
  return all.slice(0, NAMED).join('; ') + (rest > 0 ? `; and ${rest} more` : '');
}
