// What the daemon and its starter say to each other. Plain JSON.
import type { ErrorCode } from '../../shared/errors.ts';
import type { SupervisorCall } from './supervisor-process.ts';

export interface GitOrder {
  /** An existing folder. */
  cwd: string;
  args: string[];
  /** Added to the scrubbed environment. Only the names in OUR_VARIABLES of git-process.ts may start with GIT_. */
  environment?: Record<string, string>;
  /** Written to git's stdin, which is then closed. */
  input?: string;
  /** Exit codes that are answers rather than failures. Default: 0 alone. */
  accept?: number[];
  /** Extra `-c` settings, `key=value`. */
  config?: string[];
}

export type Order =
  /** `isAbortable`: its end is then not waited for longer than git itself takes. */
  | { do: 'git'; call: GitOrder; isAbortable: boolean }
  /** Of an earlier order: no longer wanted. */
  | { do: 'abort' }
  | { do: 'run'; program: string; args: string[] }
  | ({ do: 'supervise' } & SupervisorCall);

export type GitAnswer =
  | { kind: 'printed'; stdout: string }
  /** By a signal, or with the starter. */
  | { kind: 'killed' }
  /** It has surely not begun: there is no starter. */
  | { kind: 'not_begun' }
  /** It ended with a code that nobody expected. */
  | { kind: 'failed'; args: string[]; exitCode: number; stdout: string; stderr: string }
  /** Something that its user can put right. */
  | { kind: 'refused'; code: ErrorCode; message: string; hint: string | undefined }
  /** A fault of the system (`errno`, such as ENOSPC), an aborted call, or a bug. */
  | { kind: 'broke'; message: string; errno?: string };

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export type Report =
  /** Of no order: it is there. */
  | { kind: 'up' }
  | GitAnswer
  /** A program's end; `stderr`: its last words. */
  | { kind: 'ran'; exit: Exit; stderr: string }
  /** A supervisor's first words; null when it ended without any. */
  | { kind: 'announced'; words: string | null }
  | { kind: 'exited'; exit: Exit };

/** Every message carries the number of its order. */
export type Numbered<T> = T & { order: number };

/** What a `broke` stands for. */
export function errorOf({ message, errno }: { message: string; errno?: string }): Error {
  return Object.assign(new Error(message), errno === undefined ? {} : { code: errno });
}
