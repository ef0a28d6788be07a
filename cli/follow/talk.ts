// What we say on stderr while following a run: changes of its status, trouble with the connection, its end.
import type { WatchItem } from '../../shared/client/watch.ts';
import type { Run } from '../../shared/schemas/run.ts';
import type { Context } from '../context.ts';
import { printable } from '../view/quote.ts';
import { nameOf } from '../view/run-words.ts';
import { endSummary } from '../view/summary.ts';

const NEWLINE = 10;

export class Talk {
  lastByte: number | undefined;
  readonly #context: Context;
  readonly #outputOnly: boolean;
  #said = '';
  #runId: string | undefined;

  constructor(context: Context, outputOnly: boolean) {
    this.#context = context;
    this.#outputOnly = outputOnly;
  }

  say(text: string): void {
    const { terminal } = this.#context;
    const { stderr } = terminal;
    // Only a terminal shows both streams in one place, where a half line of output may stand.
    if (stderr.isTTY && this.lastByte !== undefined && this.lastByte !== NEWLINE) stderr.write('\n');
    this.lastByte = undefined;
    terminal.note(terminal.noteStyle.dim(`qwex: ${text}`));
  }

  about(item: Exclude<WatchItem, { type: 'output' }>): void {
    switch (item.type) {
      case 'run':
        this.#status(item.run);
        break;
      case 'end':
        this.#end(item.run);
        break;
      case 'gap':
        this.say(`${item.stream} was truncated; it goes on at byte ${item.offset}`);
        break;
      case 'disconnected':
        this.say(
          item.stopped
            ? 'the daemon was stopped; the run goes on, and its output is shown when the daemon is back'
            : 'the daemon went away; the run goes on, connecting again',
        );
        break;
      case 'reconnected':
        this.say('connected again');
        break;
      default:
        item satisfies never;
    }
  }

  #status(run: Run): void {
    if (this.#outputOnly) return;
    if (this.#runId !== undefined && this.#runId !== run.id) this.say(`trying again as run ${nameOf(run)}`);
    this.#runId = run.id;
    if (!this.#context.terminal.stderr.isTTY || run.finishedAt !== null) return;
    const reason = run.status === 'pending' && run.message ? `: ${printable(run.message)}` : '';
    const text = `run ${nameOf(run)} is ${run.phase === 'queued' ? 'pending' : run.phase}${reason}`;
    if (text !== this.#said) this.say(text);
    this.#said = text;
  }

  #end(run: Run): void {
    if (this.#outputOnly) return;
    for (const line of endSummary(run)) this.say(line);
  }
}
