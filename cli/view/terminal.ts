// Where the CLI writes: data to stdout, talk to stderr, colour only for people. Nothing else writes to either.
import type { Writable } from 'node:stream';
import { type Style, styleFor } from './style.ts';

/** What Terminal needs of process.stdout and process.stderr. */
export interface OutputStream extends Writable {
  isTTY?: boolean;
  columns?: number;
}

export interface TerminalStreams {
  /** Asked for when first used: opening stdout costs milliseconds. */
  stdout: () => OutputStream;
  stderr: () => OutputStream;
  env: NodeJS.ProcessEnv;
}

export class Terminal {
  readonly #streams: TerminalStreams;
  readonly #opened = new Set<OutputStream>();

  constructor(streams: TerminalStreams) {
    this.#streams = streams;
  }

  get stdout(): OutputStream {
    return this.#open(this.#streams.stdout());
  }

  get stderr(): OutputStream {
    return this.#open(this.#streams.stderr());
  }

  /** Data: a line (or several) on stdout. */
  print(text: string): void {
    this.stdout.write(`${text}\n`);
  }

  /** The whole of a command's answer under --json. */
  printJson(data: unknown): void {
    this.print(JSON.stringify({ schema_version: 1, data }));
  }

  /** Talk: a line on stderr. */
  note(text: string): void {
    this.stderr.write(`${text}\n`);
  }

  /** Styles for stdout, plain text when a program reads it. */
  get style(): Style {
    return styleFor(this.stdout.isTTY === true, this.#streams.env);
  }

  get noteStyle(): Style {
    return styleFor(this.stderr.isTTY === true, this.#streams.env);
  }

  /** Columns of the window that stdout shows in; undefined when it is no window. */
  get width(): number | undefined {
    // Some terminals say that they have none.
    return (this.stdout.isTTY && this.stdout.columns) || undefined;
  }

  /** Resolves when all that was written has left this process. */
  async flush(): Promise<void> {
    for (const stream of this.#opened) {
      // Its error is on its way, and has to be heard before it is too late.
      if (stream.errored) await new Promise((resolve) => setImmediate(resolve));
      if (stream.writableLength > 0) await new Promise<void>((resolve) => stream.write('', () => resolve()));
    }
  }

  #open(stream: OutputStream): OutputStream {
    this.#opened.add(stream);
    return stream;
  }
}

/** Writes; once it is done the data has left this process, so that memory stays bounded and may be used again. */
export function writeOut(stream: OutputStream, data: Uint8Array): Promise<void> | undefined {
  const { promise, resolve } = Promise.withResolvers<void>();
  // Also called when the stream fails or is closed.
  stream.write(data, () => resolve());
  return stream.writableLength === 0 ? undefined : promise;
}
