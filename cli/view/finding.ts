// What a doctor has found, one after the other.
import { printable } from './quote.ts';
import type { Style } from './style.ts';

/** Something is broken: no failure of the command, so none of the codes of errors. */
export const UNWELL_EXIT_CODE = 1;

export interface Finding {
  /** What was looked at. */
  name?: string;
  state: 'ok' | 'warning' | 'error';
  message: string;
  hint?: string | undefined;
}

export function formatFinding({ name, state, message, hint }: Finding, style: Style): string {
  const paint = { ok: style.green, warning: style.yellow, error: style.red }[state];
  const subject = name === undefined ? '' : `${style.bold(printable(name))}: `;
  const first = `${paint(state.padEnd(7))}  ${subject}${printable(message)}`;
  return hint === undefined || state === 'ok'
    ? first
    : `${first}\n         ${style.cyan('hint:')} ${printable(hint)}`;
}
