// The daemon's side of its starter: a small process that starts the others, git and supervisors. To start a process,
// Node copies the page tables of the one it is in, and every page that is written to afterwards; the daemon is large and
// writes all the time, so each start would hold it up for milliseconds.
// What the starter was doing when it dies is answered as if it had been killed itself; the next order brings up another.
// Where none can be brought up (a half-installed upgrade, say), the daemon does it all itself.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  type Exit,
  errorOf,
  type GitAnswer,
  type GitOrder,
  type Numbered,
  type Order,
  type Report,
} from './messages.ts';
import { type Ran, runProgram } from './run-program.ts';
import { runSupervisor, type SupervisorCall, type SupervisorProcess } from './supervisor-process.ts';

/** Settings of Node for a process that does little itself. */
const SMALL = ['--max-semi-space-size=1'];
/** Of one that has stopped listening. */
const CLOSE_LIMIT_MS = 2000;
const FROM_SOURCES = import.meta.url.endsWith('.ts');

interface Waiting {
  report(report: Report): void;
  /** The starter has died; `isUp`: after it had begun to take orders. */
  lost(isUp: boolean): void;
}

export class Starter {
  readonly #entry: string;
  readonly #waiting = new Map<number, Waiting>();
  #process: ChildProcess | undefined;
  #lastOrder = 0;

  /** `entry`: the script of its process. In the bundle, everything of the daemon is in dist/. */
  constructor(entry = fileURLToPath(new URL(FROM_SOURCES ? './main.ts' : './starter.mjs', import.meta.url))) {
    this.#entry = entry;
  }

  /** Brings its process up, ahead of the first order. */
  open(): void {
    this.#process ??= this.#begin();
  }

  /** Undefined while none is up. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  git(call: GitOrder & { signal?: AbortSignal }): Promise<GitAnswer> {
    const { signal, ...order } = call;
    if (signal?.aborted) return Promise.resolve({ kind: 'broke', message: 'aborted before it began' });
    return new Promise((resolve) => {
      const answer = (report: GitAnswer) => {
        signal?.removeEventListener('abort', abort);
        this.#waiting.delete(number);
        resolve(report);
      };
      const number = this.#give(
        { do: 'git', call: order, isAbortable: signal !== undefined },
        {
          report: (report) => answer(report as GitAnswer),
          lost: (isUp) => answer({ kind: isUp ? 'killed' : 'not_begun' }),
        },
      );
      const abort = () => void this.#process?.send({ do: 'abort', order: number });
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** A program without input, whose output nobody wants. Rejects when it can't be started. */
  run(program: string, args: string[]): Promise<Ran> {
    const { promise, resolve, reject } = Promise.withResolvers<Ran>();
    const number = this.#give(
      { do: 'run', program, args },
      {
        report: (report) => {
          this.#waiting.delete(number);
          if (report.kind === 'ran') resolve({ exit: report.exit, stderr: report.stderr });
          if (report.kind === 'broke') reject(errorOf(report));
        },
        lost: (isUp) => {
          if (isUp) resolve({ exit: { code: null, signal: null }, stderr: KILLED });
          else runProgram(program, args).then(resolve, reject);
        },
      },
    );
    return promise;
  }

  supervise(call: SupervisorCall): SupervisorProcess {
    const words = Promise.withResolvers<string | undefined>();
    const exited = Promise.withResolvers<Exit>();
    const end = (exit: Exit) => {
      words.resolve(undefined);
      exited.resolve(exit);
    };
    const number = this.#give(
      { do: 'supervise', ...call },
      {
        report: (report) => {
          if (report.kind === 'announced') words.resolve(report.words ?? undefined);
          if (report.kind === 'broke') words.reject(errorOf(report));
          if (report.kind === 'exited') end(report.exit);
          if (report.kind !== 'announced') this.#waiting.delete(number);
        },
        lost: (isUp) => {
          if (isUp) return end({ code: null, signal: null });
          const own = runSupervisor(call);
          own.words.then(words.resolve, words.reject);
          void own.exited.then(exited.resolve);
        },
      },
    );
    return { words: words.promise, exited: exited.promise };
  }

  /** Resolves when its process is gone. What it has started goes on, and nothing more is heard of it. */
  async close(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    const limit = setTimeout(() => child.kill('SIGKILL'), CLOSE_LIMIT_MS);
    if (child.connected) child.disconnect();
    await gone;
    clearTimeout(limit);
  }

  #give(order: Order, waiting: Waiting): number {
    const number = ++this.#lastOrder;
    this.#waiting.set(number, waiting);
    this.#process ??= this.#begin();
    this.#process.send({ ...order, order: number } satisfies Numbered<Order>);
    return number;
  }

  #begin(): ChildProcess {
    const child = fork(this.#entry, [], {
      cwd: '/',
      execArgv: FROM_SOURCES ? ['--disable-warning=ExperimentalWarning'] : SMALL,
      serialization: 'json',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    let isUp = false;
    child.on('message', (message: Numbered<Report>) => {
      isUp = true;
      this.#waiting.get(message.order)?.report(message);
    });
    // Whatever befell it: nothing more will be heard.
    const lose = () => this.#lose(child, isUp);
    child.on('error', lose).once('disconnect', lose);
    return child;
  }

  #lose(child: ChildProcess, isUp: boolean): void {
    if (this.#process !== child) return;
    this.#process = undefined;
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const waiting of lost) waiting.lost(isUp);
  }
}

const KILLED = 'who had started it was killed';

/** One per process, as its children are; the door to git and the one to supervisors ask for it. */
let current: Starter | undefined;

export function currentStarter(): Starter | undefined {
  return current;
}

/** From now on other programs are started by a starter; undefined: by this process itself. */
export function useStarter(starter: Starter | undefined): void {
  current = starter;
}
