// What is wrong with a file that a person wrote, and where. Problems are collected, so that one look
// at the message is enough to correct a whole file.
import { type ErrorCode, QwexError } from '../../shared/errors.ts';

/** A file that is no YAML at all may be wrong in every line. */
const MOST_SHOWN = 20;

export type KeyPath = readonly (string | number)[];

export interface Problem {
  /** As the reader would open it, relative to the workspace where that is possible. */
  file: string;
  /** From 1; null when the problem is about the whole file. */
  line: number | null;
  message: string;
}

/** `.qwex/config.yaml:7: unknown key …` */
export function formatProblem({ file, line, message }: Problem): string {
  return `${line === null ? file : `${file}:${line}`}: ${message}`;
}

/** One error for all problems, in the order of the file, each on a line of its own. */
export function problemsError(
  code: Extract<ErrorCode, 'invalid_config' | 'compile_failed'>,
  problems: readonly Problem[],
): QwexError {
  const inOrder = [...problems].sort((a, b) => a.file.localeCompare(b.file) || (a.line ?? 0) - (b.line ?? 0));
  const shown = inOrder.slice(0, MOST_SHOWN).map(formatProblem);
  if (inOrder.length > MOST_SHOWN) shown.push(`… and ${inOrder.length - MOST_SHOWN} more`);
  return new QwexError({
    code,
    message: shown.join('\n'),
    hint: inOrder.length === 1 ? 'correct that line and try again' : 'correct these lines and try again',
    details: { problems: inOrder.slice(0, MOST_SHOWN) },
  });
}

/** `artifacts.watch_directories[1]` */
export function formatPath(path: KeyPath): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}
