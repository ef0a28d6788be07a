// What `run` says about what it submitted.
import type { LocalSubmitResponse, Notice } from '../../shared/schemas/local.ts';
import type { Run } from '../../shared/schemas/run.ts';
import { printable } from './quote.ts';
import { commandOf, nameOf, shortId } from './run-words.ts';
import type { Terminal } from './terminal.ts';

const MOST_SHOWN = 10;

/** Warnings first: they may cost a result. */
export function showNotices(terminal: Terminal, notices: readonly Notice[]): void {
  const { yellow, cyan } = terminal.noteStyle;
  const warnings = notices.filter(({ level }) => level === 'warning');
  const hints = notices.filter(({ level }) => level === 'hint');
  for (const { message } of warnings) terminal.note(`${yellow('warning:')} ${lines(message)}`);
  for (const { message } of hints) terminal.note(`${cyan('hint:')} ${lines(message)}`);
}

/** JSON, a few lines for a person, or the bare ids for a program. */
export function showSubmitted(
  terminal: Terminal,
  response: LocalSubmitResponse,
  { json = false }: { json?: boolean },
): void {
  const { runs } = response;
  const [first] = runs;
  if (json) terminal.printJson(response);
  else if (!terminal.stdout.isTTY) terminal.print(runs.map(({ id }) => id).join('\n'));
  else if (runs.length === 1 && first) terminal.print(describeOne(terminal, first, response));
  else describeMany(terminal, response);
}

function describeMany(terminal: Terminal, response: LocalSubmitResponse): void {
  const { runs } = response;
  for (const run of runs.slice(0, MOST_SHOWN)) terminal.print(`${shortId(run.id)}  ${commandOf(run)}`);
  if (runs.length > MOST_SHOWN) terminal.print(`… and ${runs.length - MOST_SHOWN} more`);
  terminal.print(terminal.style.dim(`${runs.length} runs at ${commitText(response)}; see them: qwex list`));
}

/** The script, and on stderr that nothing happened. */
export function showDryRun(
  terminal: Terminal,
  response: LocalSubmitResponse,
  { json = false }: { json?: boolean },
): void {
  if (json) {
    terminal.printJson(response);
    return;
  }
  const { compiled = [], workspace } = response;
  terminal.print(compiled.map(({ script }) => script.trimEnd()).join('\n\n'));
  const runners = [...new Set(compiled.map(({ runner }) => runner))].join(', ');
  terminal.note(
    `dry run: would queue ${compiled.length === 1 ? 'this script' : `these ${compiled.length} scripts`} ` +
      `at ${commitText(response)} of ${workspace.root} on runner ${runners}; nothing was submitted`,
  );
}

function describeOne(terminal: Terminal, run: Run, response: LocalSubmitResponse): string {
  const { bold, dim } = terminal.style;
  const id = shortId(run.id);
  return [
    `${bold(nameOf(run))}  ${whenItStarts(run)}`,
    dim(`  ${commandOf(run)}   at ${commitText(response)}`),
    dim(`  follow: qwex watch ${id}   end: qwex cancel ${id}`),
  ].join('\n');
}

/** The queue's reason when there is one, else that nothing is in its way. */
function whenItStarts(run: Run): string {
  if (run.held) return 'held until: qwex release';
  if (run.status !== 'pending') return run.status;
  return run.message === null ? 'starts now' : printable(run.message);
}

function commitText({ workspace }: LocalSubmitResponse): string {
  return `${workspace.sha.slice(0, 9)}${workspace.snapshot ? ' (snapshot)' : ''}`;
}

function lines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
