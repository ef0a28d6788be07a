// Ends work that goes round for ever. A template is a program of its owner's, and the daemon that renders it has other
// things to do. Interrupts whatever the work is at: a loop, a recursion, an expression that backtracks.
import { type Context, createContext, Script } from 'node:vm';

const CALL = new Script('work()');

interface Place {
  context: Context;
  /** What is called there. */
  globals: { work: () => unknown };
}

// Costly to make and the same for everybody: there is nothing of the work in it but while it is done.
let place: Place | undefined;

/** The work's result, or what it throws; `tooLong()` is thrown when it has taken `limitMs`. */
export function within<Result>(limitMs: number, work: () => Result, tooLong: () => Error): Result {
  place ??= makePlace();
  const { context, globals } = place;
  const outer = globals.work;
  globals.work = work;
  try {
    return CALL.runInContext(context, { timeout: limitMs });
  } catch (error) {
    throw isTimeout(error) ? tooLong() : error;
  } finally {
    globals.work = outer;
  }
}

function makePlace(): Place {
  const globals = { work: (): unknown => undefined };
  return { globals, context: createContext(globals) };
}

/** It is an Error of the place, and none of ours. */
function isTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  );
}
