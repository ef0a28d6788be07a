// The last words of `watch`, `run -f` and `wait` about a run that has ended.
import type { Run } from '../../shared/schemas/run.ts';
import { printable } from './quote.ts';
import { causeOf, elapsedText, nameOf, shortId } from './run-words.ts';
import { count, formatBytes } from './units.ts';

/** `run 3f2a91c3 failed (exit 1) after 3m 05s`, with the reason when it says more. */
export function endLine(run: Run): string {
  const cause = run.status === 'failed' ? causeOf(run) : '';
  const elapsed = elapsedText(run, new Date());
  const after = elapsed === '' ? '' : ` after ${elapsed}`;
  const saysMore = run.message !== null && run.status !== 'succeeded' && run.reason !== 'exit';
  const message = saysMore && run.message ? `: ${printable(run.message)}` : '';
  return `run ${nameOf(run)} ${run.status}${cause === '' ? '' : ` (${cause})`}${after}${message}`;
}

/** The end line, then what was kept and what a reader of the result should know. */
export function endSummary(run: Run): string[] {
  const lines = [endLine(run)];
  if (run.artifactCount > 0) {
    const kept = `${count(run.artifactCount, 'artifact')}, ${formatBytes(run.artifactBytes)}`;
    lines.push(`${kept}: qwex artifacts ${shortId(run.id)}`);
  }
  for (const note of run.notes) lines.push(`note: ${printable(note)}`);
  return lines;
}
