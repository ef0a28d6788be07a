// Colours of the terminal, or none. Callers name a meaning where there is one.
import type { Status } from '../../shared/run-state.ts';

export type Paint = (text: string) => string;

export interface Style {
  bold: Paint;
  dim: Paint;
  red: Paint;
  green: Paint;
  yellow: Paint;
  cyan: Paint;
}

const plain: Paint = (text) => text;
const PLAIN: Style = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain, cyan: plain };

const paint =
  (open: number, close: number): Paint =>
  (text) =>
    text === '' ? '' : `\u001b[${open}m${text}\u001b[${close}m`;

const COLOURED: Style = {
  bold: paint(1, 22),
  dim: paint(2, 22),
  red: paint(31, 39),
  green: paint(32, 39),
  yellow: paint(33, 39),
  cyan: paint(36, 39),
};

/** Colours for a person at a terminal that has not said NO_COLOR. */
export function styleFor(isTTY: boolean, env: NodeJS.ProcessEnv): Style {
  return isTTY && !env.NO_COLOR && env.TERM !== 'dumb' ? COLOURED : PLAIN;
}

/** A status word in its colour; `text` when more is to be shown with it. */
export function paintStatus(style: Style, status: Status, text: string = status): string {
  switch (status) {
    case 'pending':
      return style.yellow(text);
    case 'running':
      return style.cyan(text);
    case 'succeeded':
      return style.green(text);
    case 'failed':
      return style.red(text);
    case 'cancelled':
      return style.dim(text);
    default:
      return status satisfies never;
  }
}
