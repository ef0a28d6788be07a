// The folder of each run: its record, its history and what it was made from. The database is the index over these;
// from them alone it can be rebuilt. Writes of one run happen in order, and never hold up an answer. They are small, and
// synchronous: a turn of the event loop for each would cost several times what they do.
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { type HomePaths, runDirectory, runLocalDirectory } from '../../shared/paths.ts';
import { sha256 } from '../../shared/recipe.ts';
import type { RunEvent } from '../../shared/schemas/local.ts';
import type { RunRecord } from '../store/record.ts';
import { Limit } from './limit.ts';
import { FOLDER_FORMAT, formatFault, type RunJson } from './run-json.ts';

type After = RunJson['after'];

export interface Origin {
  script: string;
  /** JSON of what was read to compile the script. */
  sources: string;
}

/** Runs that are written about at the same time. */
const RUNS_AT_ONCE = 32;
const STATUSES = 'statuses.jsonl';
/** Names of files that were to be renamed when they were whole. */
const HALF_WRITTEN = /\.tmp-\d+$|^supervise\.sh\.\d+$/;

export class RunFolders {
  readonly #paths: HomePaths;
  readonly #pending = new Map<string, Promise<void>>();
  readonly #limit = new Limit(RUNS_AT_ONCE);
  /** Runs whose folders belong to a newer qwex, and in what words. */
  readonly #newer = new Map<string, string>();
  readonly #onError: (runId: string, error: unknown) => void;

  constructor(paths: HomePaths, onError: (runId: string, error: unknown) => void) {
    this.#paths = paths;
    this.#onError = onError;
  }

  directory(run: RunRecord): string {
    return runDirectory(this.#paths, run.recipe.workspace, run.id);
  }

  /** Where the run's lock and fifo lie. */
  localDirectory(run: RunRecord): string {
    return runLocalDirectory(this.#paths, run.recipe.workspace, run.id);
  }

  /** Makes (or completes) a run's folder. A function is asked for the texts when they are written, not before. */
  create(run: RunRecord, origin: Origin | (() => Origin)): Promise<boolean> {
    return this.#reported(run.id, async () => {
      const directory = this.directory(run);
      const { script, sources } = typeof origin === 'function' ? origin() : origin;
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      // Whole or not there: half a script would run as if it were one.
      await writeAtomically(join(directory, 'script.sh'), script, { mode: 0o700 });
      await writeAtomically(join(directory, 'sources.json'), sources);
    });
  }

  /** Whether the folder has what a start needs, and the script is the one that was submitted. */
  async isComplete(run: RunRecord): Promise<boolean> {
    const directory = this.directory(run);
    const there = ['run.json', 'sources.json'].map((name) =>
      stat(join(directory, name)).then(() => true, absent),
    );
    const found = await Promise.all([...there, this.#hasItsScript(run)]);
    return found.every(Boolean);
  }

  /** Looks whether a newer qwex has written the run's folder. If so nothing is written into it from now on. */
  async lookForNewer(run: RunRecord): Promise<void> {
    try {
      const file = join(this.directory(run), 'run.json');
      const json: unknown = JSON.parse(await this.#limit.run(() => readFile(file, 'utf8')));
      const fault = formatFault(json);
      if (fault !== null) this.#newer.set(run.id, fault);
    } catch (error) {
      // What is missing or damaged is no word of a newer one.
      if (!(error instanceof SyntaxError || isErrno(error, 'ENOENT', 'ENOTDIR'))) throw error;
    }
  }

  /** Throws `conflict` for a run whose folder a newer qwex has written. */
  assertOurs(id: string): void {
    const fault = this.#newer.get(id);
    if (fault === undefined) return;
    throw new QwexError({
      code: 'conflict',
      message: `run ${id} is left alone: ${fault}`,
      hint: 'use the newer qwex',
    });
  }

  /** What the supervisor writes into, made before it starts. Throws: a run without it must not start. */
  async prepareForStart(run: RunRecord): Promise<void> {
    this.assertOurs(run.id);
    return this.#inOrder(run.id, async () => {
      const directory = this.directory(run);
      if (!(await this.#hasItsScript(run))) {
        throw new QwexError({
          code: 'conflict',
          message: `${join(directory, 'script.sh')} is not the script that was submitted`,
          hint: `run the job again, with its own script: qwex rerun ${run.id}`,
        });
      }
      for (const folder of ['meta', 'logs'])
        mkdirSync(join(directory, folder), { recursive: true, mode: 0o700 });
      mkdirSync(this.localDirectory(run), { recursive: true, mode: 0o700 });
      const facts = {
        id: run.id,
        command_line: run.recipe.command.join('\0'),
        created_at: new Date(run.createdAt).toISOString(),
      };
      for (const [name, fact] of Object.entries(facts)) {
        writeFileSync(join(directory, 'meta', name), `${fact}\n`, { mode: 0o600 });
      }
    });
  }

  /** Writes down transitions: run.json as the run is now, and a line of the history for each as it was then. */
  record(run: RunRecord, events: readonly RunEvent[], after: After): Promise<boolean> {
    return this.#reported(run.id, async () => {
      const lines = events.map(historyLine).join('');
      append(join(this.directory(run), STATUSES), lines);
      await this.#writeRecord(run, after);
    });
  }

  /** Writes down transitions that a crash may have kept out of the folder: the lines that it lacks, run.json anew. */
  catchUp(run: RunRecord, events: readonly RunEvent[], after: After): Promise<boolean> {
    return this.#reported(run.id, async () => {
      // Somebody has removed the run, and it stays so.
      if (!(await stat(this.directory(run)).then(() => true, absent))) return;
      const file = join(this.directory(run), STATUSES);
      const history = await readFile(file, 'utf8').catch((error: unknown) => absent(error) || '');
      // A torn line names its event too, and says nothing of it.
      const whole = history.slice(0, history.lastIndexOf('\n') + 1);
      // With its time: a number may be given twice when the machine went down before the first was on the disk.
      const isWritten = ({ seq, at }: RunEvent) => whole.includes(`{"seq":${seq},"at":"${at}"`);
      const missing = events.filter((event) => !isWritten(event)).map(historyLine);
      const torn = whole.length < history.length;
      if (missing.length > 0) append(file, `${torn ? '\n' : ''}${missing.join('')}`);
      await this.#writeRecord(run, after);
      await this.#removeHalfWritten(run);
    });
  }

  /** Removes what a daemon that died left half-written. Only while nobody else writes here, at the start of one. */
  tidy(run: RunRecord): Promise<boolean> {
    return this.#reported(run.id, () => this.#removeHalfWritten(run));
  }

  /** run.json alone, without a line of history. */
  writeRecord(run: RunRecord, after: After): Promise<boolean> {
    return this.#reported(run.id, () => this.#writeRecord(run, after));
  }

  /** Resolves when everything written so far about a run is in its folder. */
  async settled(id: string): Promise<void> {
    await this.#pending.get(id);
  }

  async allSettled(): Promise<void> {
    await Promise.all(this.#pending.values());
  }

  /** Takes the run's mark out of ended/: it has been collected. */
  async clearEnded(run: Pick<RunRecord, 'id'>): Promise<void> {
    rmSync(join(this.#paths.ended, run.id), { force: true });
  }

  async remove(run: RunRecord): Promise<void> {
    await this.settled(run.id);
    await rm(this.directory(run), { recursive: true, force: true });
    await rm(this.localDirectory(run), { recursive: true, force: true });
  }

  async #writeRecord(run: RunRecord, after: After): Promise<void> {
    const json: RunJson = { format: FOLDER_FORMAT, machine: this.#paths.machine, ...run, after };
    await writeAtomically(join(this.directory(run), 'run.json'), `${JSON.stringify(json, null, 2)}\n`);
  }

  async #removeHalfWritten(run: RunRecord): Promise<void> {
    const directory = this.directory(run);
    for (const name of await readdir(directory))
      if (HALF_WRITTEN.test(name)) await rm(join(directory, name), { force: true });
  }

  async #hasItsScript(run: RunRecord): Promise<boolean> {
    try {
      return (
        sha256(readFileSync(join(this.directory(run), 'script.sh'), { flag: READ })) ===
        run.recipe.scriptSha256
      );
    } catch (error) {
      return absent(error);
    }
  }

  /** For what nobody waits for: a fault is told to the log and holds up nothing. Resolves to whether it worked. */
  async #reported(id: string, work: () => Promise<void>): Promise<boolean> {
    if (this.#newer.has(id)) return true;
    return this.#inOrder(id, work).then(
      () => true,
      (error: unknown) => {
        this.#onError(id, error);
        return false;
      },
    );
  }

  /** After everything that was asked for this run before; whether that worked or not. */
  #inOrder(id: string, work: () => Promise<void>): Promise<void> {
    // Behind the answer of who has just been told of its commit.
    const previous = this.#pending.get(id) ?? nextTurn();
    const done = previous.then(() => this.#limit.run(work));
    const settled = done
      .catch(() => undefined)
      .then(() => {
        if (this.#pending.get(id) === settled) this.#pending.delete(id);
      });
    this.#pending.set(id, settled);
    return done;
  }
}

// Without waiting: a program may have put a fifo in a file's place.
const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const READ = O_RDONLY | O_NONBLOCK;
const APPEND = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK;

function append(file: string, text: string): void {
  const fd = openSync(file, APPEND, 0o600);
  try {
    writeSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

function historyLine({ seq, at, type, status, phase, reason, exitCode }: RunEvent): string {
  return `${JSON.stringify({ seq, at, event: type, status, phase, reason, exitCode })}\n`;
}

function absent(error: unknown): false {
  if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false;
  throw error;
}
