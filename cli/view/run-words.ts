// A run in words: its short id, what its status means, the exit code that a command mirrors.
import type { Run } from '../../shared/schemas/run.ts';
import { printable, quoteCommand } from './quote.ts';
import { formatElapsed } from './units.ts';

/** Exit code of a run that was cancelled, whatever its command made of the signal. */
export const CANCELLED_EXIT_CODE = 130;
/** Exit code for an end without one of the command's own: lost, not prepared, its dependency failed. */
export const NO_EXIT_CODE = 70;

/** The last 8 digits: a UUIDv7 begins with its time, so the first ones are the same for runs of one minute. */
export function shortId(id: string): string {
  return id.slice(-8);
}

/** `3f2a91c3`, or `3f2a91c3 (train)` for a run that has a name. */
export function nameOf(run: Run): string {
  return run.name === null ? shortId(run.id) : `${shortId(run.id)} (${printable(run.name)})`;
}

export function commandOf(run: Run): string {
  return quoteCommand([run.command, ...run.args]);
}

/** What `wait`, `watch`, `run -f` and `batch` exit with. Takes a run that has ended. */
export function exitCodeOf(run: Run): number {
  if (run.status === 'succeeded') return 0;
  if (run.status === 'cancelled') return CANCELLED_EXIT_CODE;
  return run.exitCode === null || run.exitCode === 0 ? NO_EXIT_CODE : run.exitCode;
}

/** From its start to its end or to `now`; null before its start. */
export function elapsedMs(run: Run, now: Date): number | null {
  if (run.startedAt === null) return null;
  const end = run.finishedAt === null ? now.getTime() : Date.parse(run.finishedAt);
  return end - Date.parse(run.startedAt);
}

export function elapsedText(run: Run, now: Date): string {
  const ms = elapsedMs(run, now);
  return ms === null ? '' : formatElapsed(ms);
}

/** `exit 1`, `SIGKILL`, `time limit`, …: what a failed run failed by, in two words; empty for others. */
export function causeOf(run: Run): string {
  switch (run.reason) {
    case 'exit':
      return run.exitCode === null || run.exitCode === 0 ? '' : `exit ${run.exitCode}`;
    case 'signal':
      return run.exitCode === null ? 'killed' : `signal ${run.exitCode - 128}`;
    case 'timeout':
      return 'time limit';
    case 'lost':
      return 'lost';
    case 'prepare_failed':
      return 'not prepared';
    case 'collect_failed':
      return 'results not kept';
    case 'dependency':
      return 'dependency';
    case 'cancelled':
    case null:
      return '';
    default:
      return run.reason satisfies never;
  }
}

/** Status with what is worth knowing at a glance: `failed (exit 1)`, `pending (held)`, `running (collecting)`. */
export function statusText(run: Run): string {
  if (run.status === 'failed') return causeOf(run) === '' ? 'failed' : `failed (${causeOf(run)})`;
  if (run.held && run.status === 'pending') return 'pending (held)';
  if (run.phase === 'preparing' || run.phase === 'collecting') return `${run.status} (${run.phase})`;
  if (run.status === 'running' && run.cancelRequestedAt !== null) return 'running (stopping)';
  return run.status;
}
