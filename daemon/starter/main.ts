// Entry of the starter, a child of the daemon: starts what it is told to, and tells how it went. It must stay small, and
// never outlive its daemon: what it has started does, the rest is the next daemon's.
import { messageOf, QwexError } from '../../shared/errors.ts';
import { GitFailure, GitKilled } from './git-failure.ts';
import { runGit } from './git-process.ts';
import type { GitAnswer, Numbered, Order, Report } from './messages.ts';
import { runProgram } from './run-program.ts';
import { runSupervisor } from './supervisor-process.ts';

/** Calls of git that may be aborted, by order. */
const abortable = new Map<number, AbortController>();

function tell(order: number, report: Report): void {
  // Who isn't there any more hears nothing; the end of the connection ends this process too.
  process.send?.({ ...report, order } satisfies Numbered<Report>, undefined, undefined, () => undefined);
}

async function git({ order, call, isAbortable }: Extract<Numbered<Order>, { do: 'git' }>): Promise<void> {
  const abort = new AbortController();
  if (isAbortable) abortable.set(order, abort);
  const answer = await runGit({ ...call, ...(isAbortable && { signal: abort.signal }) }).then(
    (stdout): GitAnswer => ({ kind: 'printed', stdout }),
    failureOf,
  );
  abortable.delete(order);
  tell(order, answer);
}

function failureOf(error: unknown): GitAnswer {
  if (error instanceof GitKilled) return { kind: 'killed' };
  if (error instanceof GitFailure) {
    const { args, exitCode, stdout, stderr } = error;
    return { kind: 'failed', args, exitCode, stdout, stderr };
  }
  if (error instanceof QwexError) {
    const { code, message, hint } = error;
    return { kind: 'refused', code, message, hint };
  }
  return broke(error);
}

function broke(error: unknown): Extract<Report, { kind: 'broke' }> {
  const errno = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  return { kind: 'broke', message: messageOf(error), ...(errno !== undefined && { errno }) };
}

function run({ order, program, args }: Extract<Numbered<Order>, { do: 'run' }>): void {
  runProgram(program, args).then(
    (ran) => tell(order, { kind: 'ran', ...ran }),
    (error: unknown) => tell(order, broke(error)),
  );
}

function supervise({ order, ...call }: Extract<Numbered<Order>, { do: 'supervise' }>): void {
  try {
    const { words, exited } = runSupervisor(call);
    words.then(
      (said) => tell(order, { kind: 'announced', words: said ?? null }),
      (error: unknown) => tell(order, broke(error)),
    );
    void exited.then((exit) => tell(order, { kind: 'exited', exit }));
  } catch (error) {
    tell(order, broke(error));
  }
}

tell(0, { kind: 'up' });
process.on('disconnect', () => process.exit(0));
process.on('message', (message: Numbered<Order>) => {
  switch (message.do) {
    case 'git':
      void git(message);
      break;
    case 'abort':
      abortable.get(message.order)?.abort();
      break;
    case 'run':
      run(message);
      break;
    case 'supervise':
      supervise(message);
      break;
    default:
      message satisfies never;
  }
});
