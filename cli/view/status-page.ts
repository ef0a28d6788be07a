// The page of `qwex status`: one run, a fact a line, none that is empty.
import { formatDuration } from '../../shared/duration.ts';
import type { ArtifactList, Run } from '../../shared/schemas/run.ts';
import { printable, quotePath, quoteWord } from './quote.ts';
import { commandOf, elapsedText, shortId, statusText } from './run-words.ts';
import { paintStatus, type Style } from './style.ts';
import { count, formatBytes, formatTime } from './units.ts';

export interface StatusPageOptions {
  /** What was to be kept and wasn't. */
  skipped: ArtifactList['skipped'];
  style: Style;
  now: Date;
}

type Fact = readonly [label: string, value: string | null];

export function formatStatus(run: Run, { skipped, style, now }: StatusPageOptions): string {
  const title = run.name === null ? shortId(run.id) : `${shortId(run.id)}  ${printable(run.name)}`;
  const facts = [
    ...stateFacts(run, style, now),
    ...recipeFacts(run),
    ...resultFacts(run, skipped),
    ...relationFacts(run),
    ...run.notes.map((note): Fact => ['note', printable(note)]),
  ].filter((fact): fact is [string, string] => fact[1] !== null && fact[1] !== '');
  const width = Math.max(...facts.map(([label]) => label.length));
  const lines = facts.map(([label, value]) => `  ${style.dim(label.padEnd(width))}  ${value}`);
  return [`${style.bold(title)}  ${paintStatus(style, run.status, statusText(run))}`, ...lines].join('\n');
}

function stateFacts(run: Run, style: Style, now: Date): Fact[] {
  const position = run.position === null ? null : `${run.position} in the queue`;
  return [
    [run.status === 'pending' ? 'waits for' : 'reason', run.message && printable(run.message)],
    ['place', position],
    ['exit code', run.exitCode === null ? null : String(run.exitCode)],
    ['cancel asked', run.cancelRequestedAt && formatTime(run.cancelRequestedAt)],
    ['submitted', formatTime(run.createdAt)],
    ['started', run.startedAt && formatTime(run.startedAt)],
    ['finished', run.finishedAt && formatTime(run.finishedAt)],
    [
      'took',
      run.finishedAt === null && run.startedAt ? style.cyan(elapsedText(run, now)) : elapsedText(run, now),
    ],
  ];
}

function recipeFacts(run: Run): Fact[] {
  const { resources, subdir } = run;
  const gpus =
    resources.gpus === 0 ? null : `${resources.gpus}${resources.gpuType ? ` ${resources.gpuType}` : ''}`;
  return [
    ['command', commandOf(run)],
    ['commit', run.source.sha],
    ['workspace', `${printable(run.workspace)}  ${quoteWord(run.root)}`],
    ['in', subdir === '' ? null : quoteWord(subdir)],
    ['runner', printable(run.backend)],
    ['gpus', run.devices.length > 0 ? `${gpus ?? run.devices.length}: ${run.devices.join(', ')}` : gpus],
    ['time limit', resources.timeMs === null ? null : formatDuration(resources.timeMs)],
    ['priority', run.priority === 0 ? null : String(run.priority)],
    ['job', run.jobId],
  ];
}

/** What was left elsewhere is in the notes; `qwex artifacts` has the list. */
function resultFacts(run: Run, skipped: ArtifactList['skipped']): Fact[] {
  const kept = `${count(run.artifactCount, 'file')}, ${formatBytes(run.artifactBytes)}  (qwex artifacts ${shortId(run.id)})`;
  return [
    ['run', run.id],
    ['folder', quoteWord(run.directory)],
    ['artifacts', run.artifactCount === 0 ? null : kept],
    ...skipped.map(({ path, reason }): Fact => ['not kept', `${quotePath(path)}: ${printable(reason)}`]),
  ];
}

function relationFacts(run: Run): Fact[] {
  return [
    ...run.after.map(
      ({ id, policy }): Fact => ['after', `${shortId(id)}${policy === 'any' ? ' (however it ends)' : ''}`],
    ),
    ['retry of', run.retryOf && shortId(run.retryOf)],
    ['retried by', run.retriedBy && shortId(run.retriedBy)],
    ['retries left', run.retriesLeft === 0 ? null : String(run.retriesLeft)],
    [
      'starts',
      run.attempt > 1 ? `${run.attempt} (it was started again after a crash before its command ran)` : null,
    ],
  ];
}
