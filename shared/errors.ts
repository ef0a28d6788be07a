// The one error type that may cross a boundary (process, socket, terminal), and the one table of its codes.
// Anything else that is thrown is a bug: the daemon logs it with its stack and answers `internal`.

/** code → HTTP status on the wire → exit code of the CLI. Total by type: a new code needs a row. */
export const ERROR_CODES = {
  usage: { http: 400, exit: 2 },
  invalid_config: { http: 422, exit: 2 },
  invalid_request: { http: 400, exit: 2 },
  too_large: { http: 413, exit: 2 },
  not_a_workspace: { http: 422, exit: 2 },
  dirty_tree: { http: 422, exit: 2 },
  compile_failed: { http: 422, exit: 2 },
  unsupported: { http: 422, exit: 2 },
  unauthorized: { http: 401, exit: 69 },
  forbidden: { http: 403, exit: 2 },
  not_found: { http: 404, exit: 3 },
  ambiguous: { http: 409, exit: 4 },
  conflict: { http: 409, exit: 5 },
  unreachable: { http: 503, exit: 69 },
  no_space: { http: 507, exit: 70 },
  internal: { http: 500, exit: 70 },
} as const satisfies Record<string, { http: number; exit: number }>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorFields {
  code: ErrorCode;
  /** What was tried, on what, and what is wrong. One sentence or a short list, no trailing newline. */
  message: string;
  /** The way out, as something that the reader can do. */
  hint?: string;
  /** Machine-readable details: candidates, dirty files, file and line. */
  details?: Record<string, unknown>;
  cause?: unknown;
}

/** An expected failure, worded for the person who will read it. */
export class QwexError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor({ code, message, hint, details, cause }: ErrorFields) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'QwexError';
    this.code = code;
    this.hint = hint;
    this.details = details;
  }

  get exitCode(): number {
    return ERROR_CODES[this.code].exit;
  }

  get httpStatus(): number {
    return ERROR_CODES[this.code].http;
  }
}

/** True for a system error (`ENOENT`, `EEXIST`, …) with one of the given codes. */
export function isErrno(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** The message of anything that was thrown, for a log line or a wrapped error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** True for every way in which a full disk, or a used-up quota, is told: by us, by the system, or by a program. */
export function isNoSpace(error: unknown): boolean {
  if (error instanceof QwexError) return error.code === 'no_space';
  return (
    isErrno(error, 'ENOSPC', 'EDQUOT') || /No space left on device|Disk quota exceeded/.test(messageOf(error))
  );
}
