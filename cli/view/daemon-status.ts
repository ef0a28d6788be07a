// The page of `qwex daemon status`.
import { STATUSES } from '../../shared/run-state.ts';
import type { DaemonStatus } from '../../shared/schemas/local.ts';
import { quoteWord } from './quote.ts';
import type { Style } from './style.ts';
import { formatBytes, formatElapsed, formatTime } from './units.ts';

export function formatDaemonStatus(status: DaemonStatus, style: Style, now: Date): string {
  const upMs = now.getTime() - Date.parse(status.startedAt);
  const counts = STATUSES.filter((name) => (status.counts[name] ?? 0) > 0).map(
    (name) => `${status.counts[name]} ${name}`,
  );
  const facts = [
    ['pid', String(status.pid)],
    ['version', status.version],
    ['home', quoteWord(status.home)],
    ['socket', quoteWord(status.socket)],
    ['started', `${formatTime(status.startedAt)} (${formatElapsed(upMs)} ago)`],
    ['memory', formatBytes(status.memoryBytes)],
    ['slots', String(status.slots)],
    ['runs', counts.length === 0 ? 'none' : counts.join(', ')],
    ['problem', status.problem ?? ''],
  ].filter((fact): fact is [string, string] => fact[1] !== '');
  const head = status.paused ? style.yellow('serving, paused (qwex resume)') : style.green('serving');
  return [head, ...facts.map(([label, value]) => `  ${style.dim(label.padEnd(7))}  ${value}`)].join('\n');
}
