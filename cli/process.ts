// Joins the program to this process: its streams, signals and variables. Answers with an exit code; leaving is
// main.ts's.
import { readlinkSync } from 'node:fs';
import { isErrno } from '../shared/errors.ts';
import { homeFrom, homePaths } from '../shared/paths.ts';
import type { Context } from './context.ts';
import { runProgram } from './program.ts';
import { reportError } from './view/errors.ts';
import { slowAnswer } from './view/slow-answer.ts';
import { type OutputStream, Terminal } from './view/terminal.ts';
import { mismatch } from './view/versions.ts';

/** What a shell reports for a program that SIGPIPE ended. */
const BROKEN_PIPE_EXIT_CODE = 141;
/** Of a failure that can't be told, as stderr takes no words: that of an internal one. */
const UNTOLD_EXIT_CODE = 70;

/** Runs one command line; resolves to the exit code when all output has left. */
export async function main(argv: readonly string[]): Promise<number> {
  const unwritable = Promise.withResolvers<number>();
  const guarded = new Set<OutputStream>();
  const guard = (stream: OutputStream): OutputStream => {
    if (guarded.has(stream)) return stream;
    guarded.add(stream);
    stream.on('error', (error: unknown) => {
      // `qwex logs x | head -1`: the reader has what it wanted.
      if (isErrno(error, 'EPIPE', 'EIO')) unwritable.resolve(BROKEN_PIPE_EXIT_CODE);
      else if (stream === process.stderr) unwritable.resolve(UNTOLD_EXIT_CODE);
      else unwritable.resolve(report(argv, terminal, error, false));
    });
    return stream;
  };
  const terminal = new Terminal({
    stdout: () => guard(process.stdout),
    stderr: () => guard(process.stderr),
    env: process.env,
  });
  const bug = new Promise<number>((resolve) => {
    // Thrown where nothing waits for it: a stack trace is no answer to a user.
    process.once('uncaughtException', (error) => resolve(report(argv, terminal, error)));
  });
  return Promise.race([unwritable.promise, bug, runToEnd(argv, terminal)]);
}

async function runToEnd(argv: readonly string[], terminal: Terminal): Promise<number> {
  const context = contextOf(argv, terminal);
  let exitCode: number;
  try {
    exitCode = await runProgram(context);
  } catch (thrown) {
    exitCode = report(argv, terminal, thrown, context.json);
  }
  await terminal.flush();
  return exitCode;
}

function report(
  argv: readonly string[],
  terminal: Terminal,
  thrown: unknown,
  json = wantsJson(argv),
): number {
  return reportError(terminal, thrown, { json, env: process.env, home: homeFrom(process.env) });
}

/** --json before `--`: good enough for errors that come before the words are parsed. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json');
}

/** Where we are. A folder that was removed has no path any more; then the one that it had, for a message. */
function workingFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    return process.platform === 'linux' ? readlinkSync('/proc/self/cwd') : process.env.PWD || '/';
  }
}

function contextOf(argv: readonly string[], terminal: Terminal): Context {
  return {
    argv,
    env: process.env,
    cwd: workingFolder(),
    terminal,
    stdin: () => process.stdin,
    exitCode: 0,
    onInterrupt: (listener) => {
      process.on('SIGINT', listener);
      return () => void process.off('SIGINT', listener);
    },
    runner: async ({ autostart = true } = {}) => {
      const { LocalRunner } = await import('../shared/client/local-runner.ts');
      return new LocalRunner({
        autostart,
        onVersionMismatch: (version) => {
          const { message, hint } = mismatch(version);
          terminal.note(`warning: ${message}\nhint: ${hint}`);
        },
        onSlow: (seconds) => terminal.note(slowAnswer(seconds, homePaths(homeFrom(process.env)).daemonLock)),
      });
    },
  };
}
