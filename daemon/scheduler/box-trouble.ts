import { messageOf, QwexError } from '../../shared/errors.ts';

/** Why the box can't be used, in words for who waits. */
export function boxTrouble(error: unknown): string {
  if (!(error instanceof QwexError)) return `the box cannot be used: ${messageOf(error)}`;
  return [error.message, error.hint].filter(Boolean).join('; ');
}
