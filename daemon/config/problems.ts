// What is wrong with a file that a person wrote, and where. Problems are collected, so that one look
// at the message is enough to correct a whole file.
import { type ErrorCode, QwexError } from '../../shared/errors.ts';

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
  return new QwexError({
    code,
    message: inOrder.map(formatProblem).join('\n'),
    hint: inOrder.length === 1 ? 'correct that line and try again' : 'correct these lines and try again',
    details: { problems: inOrder },
  });
}

/** `artifacts.watch_directories[1]` */
export function formatPath(path: KeyPath): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}
