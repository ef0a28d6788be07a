// What a failure looks like: `error:` and `hint:` on stderr, or one JSON value on stdout. Never a stack trace,
// unless QWEX_DEBUG asks for it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, QwexError } from '../../shared/errors.ts';
import { printable } from './quote.ts';
import type { Terminal } from './terminal.ts';

export interface ErrorContext {
  json: boolean;
  env: NodeJS.ProcessEnv;
  /** Folder that may take the details of a bug; it is not made for this. */
  home: string;
}

/** Tells about a failure and answers the exit code for it. */
export function reportError(terminal: Terminal, thrown: unknown, context: ErrorContext): number {
  const error = asQwexError(thrown, context);
  if (context.json) {
    const { code, message, hint, details } = error;
    terminal.print(JSON.stringify({ schema_version: 1, error: { code, message, hint, details } }));
  } else {
    terminal.note(formatError(error, terminal));
  }
  if (context.env.QWEX_DEBUG && thrown instanceof Error) terminal.note(thrown.stack ?? String(thrown));
  return error.exitCode;
}

/** `error: …` and, when there is a way out, `hint: …`. */
export function formatError({ message, hint }: QwexError, terminal: Terminal): string {
  const { red, cyan, bold } = terminal.noteStyle;
  const lines = [`${bold(red('error:'))} ${printableLines(message)}`];
  if (hint !== undefined) lines.push(`${cyan('hint:')} ${printableLines(hint)}`);
  return lines.join('\n');
}

/** Messages may be short lists; names of others in them must not steer the terminal. */
function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

function asQwexError(thrown: unknown, context: ErrorContext): QwexError {
  if (thrown instanceof QwexError) return thrown;
  if (isSystemError(thrown)) {
    return new QwexError({ code: 'internal', message: systemMessage(thrown), cause: thrown });
  }
  return new QwexError({
    code: 'internal',
    message: `internal error: ${messageOf(thrown)} (this is a bug in qwex)`,
    hint: keepDetails(thrown, context),
    cause: thrown,
  });
}

function isSystemError(thrown: unknown): thrown is NodeJS.ErrnoException {
  return thrown instanceof Error && 'syscall' in thrown && 'errno' in thrown;
}

/** `cannot open /x: EACCES: permission denied` */
function systemMessage({ syscall, path, message }: NodeJS.ErrnoException): string {
  const reason = message.split(/, \w+( |$)/)[0] ?? message;
  return `cannot ${syscall ?? 'use'}${path === undefined ? '' : ` ${path}`}: ${reason}`;
}

function keepDetails(thrown: unknown, { home }: ErrorContext): string {
  const file = join(home, 'cli-error.log');
  const details = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  try {
    writeFileSync(file, `${new Date().toISOString()}\n${details}\n`, { mode: 0o600 });
    return `the details are in ${file}`;
  } catch (error) {
    return `set QWEX_DEBUG=1 to see the details (they could not be kept: ${messageOf(error)})`;
  }
}
