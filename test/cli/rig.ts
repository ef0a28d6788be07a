// Runs command lines in this process and keeps what they say.
import { Readable, Writable } from 'node:stream';
import type { Context } from '../../cli/context.ts';
import { runProgram } from '../../cli/program.ts';
import { reportError } from '../../cli/view/errors.ts';
import { type OutputStream, Terminal } from '../../cli/view/terminal.ts';
import { LocalRunner } from '../../shared/client/local-runner.ts';
import type { Run } from '../../shared/schemas/run.ts';

export class Captured extends Writable implements OutputStream {
  isTTY = false;
  columns = 80;
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    this.emit('text');
    done();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.bytes.toString('utf8');
  }

  /** Resolves when what was written has this in it. */
  async until(part: string): Promise<void> {
    while (!this.text.includes(part)) await new Promise((resolve) => this.once('text', resolve));
  }
}

export interface TestContext extends Context {
  stdout: Captured;
  stderr: Captured;
  interrupt: () => void;
}

export interface TestContextOptions {
  argv?: string[];
  home?: string;
  isTTY?: boolean;
  env?: NodeJS.ProcessEnv;
  stdin?: string;
  cwd?: string;
}

export function testContext({
  argv = [],
  home = '/nowhere',
  isTTY = false,
  env = {},
  stdin = '',
  cwd = '/',
}: TestContextOptions = {}): TestContext {
  const stdout = new Captured();
  const stderr = new Captured();
  stdout.isTTY = isTTY;
  stderr.isTTY = isTTY;
  const listeners = new Set<() => void>();
  const ownEnv = { QWEX_HOME: home, ...env };
  return {
    argv,
    env: ownEnv,
    cwd,
    stdout,
    stderr,
    terminal: new Terminal({ stdout: () => stdout, stderr: () => stderr, env: ownEnv }),
    stdin: () => Readable.from([Buffer.from(stdin)]),
    exitCode: 0,
    onInterrupt: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    interrupt: () => {
      for (const listener of listeners) listener();
    },
    // A daemon must never be started by these tests.
    runner: async () => new LocalRunner({ home, autostart: false }),
  };
}

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** What main.ts does, without leaving the process. */
export async function execute(context: TestContext): Promise<Result> {
  let code: number;
  try {
    code = await runProgram(context);
  } catch (error) {
    const json = context.json ?? context.argv.includes('--json');
    code = reportError(context.terminal, error, { json, env: context.env, home: '/nowhere' });
  }
  return { code, stdout: context.stdout.text, stderr: context.stderr.text };
}

export function qwex(options: TestContextOptions, ...argv: string[]): Promise<Result> {
  return execute(testContext({ ...options, argv }));
}

/** A run that has succeeded, but for what the test says. */
export function aRun(changes: Partial<Run> = {}): Run {
  return {
    id: '01a20076-3855-7721-b950-334f27201aca',
    name: null,
    status: 'succeeded',
    phase: 'succeeded',
    command: 'python',
    args: ['train.py'],
    createdAt: '2026-11-21T12:00:00.000Z',
    startedAt: '2026-11-21T12:00:01.000Z',
    finishedAt: '2026-11-21T12:03:06.000Z',
    exitCode: 0,
    backend: 'base',
    source: { sha: 'ac90cf9e52ceba7661f19179d2c5e97889782f4d' },
    reason: 'exit',
    message: null,
    jobId: '1ac007a3',
    workspace: 'lab',
    root: '/home/a/lab',
    subdir: '',
    directory: '/home/a/.qwex/lab/runs/01a20076-3855-7721-b950-334f27201aca',
    resources: { gpus: 0, gpuType: null, timeMs: null },
    devices: [],
    priority: 0,
    held: false,
    after: [],
    retryOf: null,
    retriedBy: null,
    retriesLeft: 0,
    attempt: 1,
    cancelRequestedAt: null,
    position: null,
    notes: [],
    artifactCount: 0,
    artifactBytes: 0,
    ...changes,
  };
}
