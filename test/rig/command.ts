// The command line as a user has it: the launcher, in a process of its own, its streams in the test's hands.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

export const packageFolder = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const launcher = join(packageFolder, 'cli', 'qwex');

export interface CommandOptions {
  cwd?: string;
  env?: Readonly<Record<string, string | undefined>>;
  /** Its whole standard input. Without it stdin is empty. */
  input?: string;
}

export interface Ended {
  /** The exit code; 128+n for a signal. */
  code: number;
  stdout: string;
  stderr: string;
  stdoutBytes: Buffer;
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGINT: 2, SIGKILL: 9, SIGPIPE: 13, SIGTERM: 15 };

/** A program that runs, with what it has printed so far. */
export class Command {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly #child: ChildProcess;
  readonly #stdin: Writable;

  constructor(program: string, args: readonly string[], { cwd, env }: CommandOptions) {
    const child = spawn(program, args, { cwd, env: { ...env }, stdio: 'pipe' });
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.#stdin = child.stdin;
    // It may end without having read all; that is its affair.
    child.stdin.on('error', () => undefined);
    this.stdout = new Output(child.stdout);
    this.stderr = new Output(child.stderr);
    this.ended = this.#end();
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Types into it. */
  type(text: string): void {
    this.#stdin.write(text);
  }

  closeInput(text = ''): void {
    this.#stdin.end(text);
  }

  /** To this process alone. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child.kill(signal);
  }

  async #end(): Promise<Ended> {
    const [code, signal] = (await once(this.#child, 'close')) as [number | null, string | null];
    return {
      code: code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0),
      stdout: this.stdout.text,
      stderr: this.stderr.text,
      stdoutBytes: this.stdout.bytes,
    };
  }
}

/** What came out of a stream so far, and a way to wait for more. */
export class Output {
  readonly #chunks: Buffer[] = [];
  readonly #watchers = new Set<() => void>();
  #isClosed = false;

  constructor(stream: Readable) {
    stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      for (const look of this.#watchers) look();
    });
    stream.once('close', () => {
      this.#isClosed = true;
      for (const look of this.#watchers) look();
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.bytes.toString('utf8');
  }

  /** Resolves when the text has appeared; rejects when the stream ends without it. */
  until(text: string | RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const seen = typeof text === 'string' ? this.text.includes(text) : text.test(this.text);
        if (!seen && !this.#isClosed) return;
        this.#watchers.delete(look);
        if (seen) resolve();
        else reject(new Error(`ended without ${String(text)}:\n${this.text}`));
      };
      this.#watchers.add(look);
      look();
    });
  }
}

/** Words as one line for a shell. */
export function shellLine(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}
