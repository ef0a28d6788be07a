// What a command works with. Made once in main.ts; tests make their own.
import type { Readable } from 'node:stream';
import type { LocalRunner } from '../shared/client/local-runner.ts';
import type { Terminal } from './view/terminal.ts';

export interface Context {
  /** Words after the program's name. */
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly terminal: Terminal;
  readonly stdin: () => Readable;
  /** The runner of this machine, the same one at every call. */
  readonly runner: (options?: RunnerOptions) => Promise<LocalRunner>;
  /** Told what to do when the user interrupts; answers how to stop listening. */
  readonly onInterrupt: (listener: () => void) => () => void;
  /** What the process exits with when the command returns. */
  exitCode: number;
  /** --json was given to the command; undefined until its words have been parsed. */
  json?: boolean;
}

export interface RunnerOptions {
  /** Start a daemon when none answers: yes, unless the command is about the daemon itself. */
  autostart?: boolean;
}
