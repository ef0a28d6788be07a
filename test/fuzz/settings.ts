// How long and from which seed the fuzz tests go. QWEX_FUZZ_RUNS=20 makes twenty times as many cases as `npm test`;
// QWEX_FUZZ_SEED is the seed that a failure has printed, and has the failing case made smaller, which takes a while.
import fc, { type Parameters, type RunDetails } from 'fast-check';

const LINE_LIMIT = 3000;

const factor = numberIn('QWEX_FUZZ_RUNS') ?? 1;
const seed = numberIn('QWEX_FUZZ_SEED');

/** For fc.assert: `runs` cases in `npm test`. */
export function cases<T>(runs: number): Parameters<T> {
  return {
    numRuns: Math.max(1, Math.round(runs * factor)),
    // Without a seed in hand the first failure is told at once: a smaller one would come after the time limit.
    endOnFailure: seed === undefined,
    ...(seed !== undefined && { seed }),
    reporter: fail,
  };
}

/** What failed, without the megabyte that a counterexample can be: the seed finds it again. */
function fail<T>(details: RunDetails<T>): void {
  if (!details.failed) return;
  const lines = fc.defaultReportMessage(details)?.split('\n') ?? [];
  const short = lines.map((line) => (line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)} …` : line));
  throw new Error(short.join('\n'), { cause: details.errorInstance });
}

/** A test's time limit, for as many cases as are asked for. */
export function timeLimit(seconds: number): number {
  return seconds * 1000 * Math.max(1, factor);
}

function numberIn(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === '') return undefined;
  const number = Number(text);
  if (!Number.isFinite(number)) throw new TypeError(`${name} must be a number, not ${JSON.stringify(text)}`);
  return number;
}
