// The folder of each run: its record, its history and what it was made from. The database is the index over these;
// from them alone it can be rebuilt. Writes of one run happen in order, and never hold up an answer.
import { appendFile, chmod, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { isErrno } from '../../shared/errors.ts';
import { type HomePaths, runDirectory, runLocalDirectory } from '../../shared/paths.ts';
import { statusOf } from '../../shared/run-state.ts';
import type { Dependency } from '../../shared/schemas/run.ts';
import type { RunRecord } from '../store/record.ts';

/** Version of what is written into run.json and meta/; a supervisor may outlive the daemon that started it. */
export const FOLDER_FORMAT = 1;

export interface RunJson extends RunRecord {
  format: number;
  after: Dependency[];
}

export interface Origin {
  script: string;
  /** JSON of what was read to compile the script. */
  sources: string;
  after: Dependency[];
}

export class RunFolders {
  readonly #paths: HomePaths;
  readonly #pending = new Map<string, Promise<void>>();
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

  /** Makes (or completes) a run's folder. */
  create(run: RunRecord, origin: Origin): Promise<void> {
    return this.#inOrder(run.id, async () => {
      const directory = this.directory(run);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFile(join(directory, 'script.sh'), origin.script, { mode: 0o700 });
      await writeFile(join(directory, 'sources.json'), origin.sources, { mode: 0o600 });
    });
  }

  /** Whether the folder has what a start needs. */
  async isComplete(run: RunRecord): Promise<boolean> {
    const files = ['run.json', 'script.sh', 'sources.json'].map((name) => join(this.directory(run), name));
    const found = await Promise.all(files.map((file) => stat(file).then(() => true, absent)));
    return found.every(Boolean);
  }

  /** What the supervisor writes into, made before it starts. */
  prepareForStart(run: RunRecord): Promise<void> {
    return this.#inOrder(run.id, async () => {
      const directory = this.directory(run);
      for (const folder of ['meta', 'logs'])
        await mkdir(join(directory, folder), { recursive: true, mode: 0o700 });
      await mkdir(this.localDirectory(run), { recursive: true, mode: 0o700 });
      await chmod(join(directory, 'script.sh'), 0o700);
      const facts = {
        id: run.id,
        command_line: run.recipe.command.join('\0'),
        created_at: new Date(run.createdAt).toISOString(),
      };
      for (const [name, fact] of Object.entries(facts)) {
        await writeFile(join(directory, 'meta', name), `${fact}\n`, { mode: 0o600 });
      }
    });
  }

  /** Writes down a transition: run.json anew, and a line of the history. */
  record(
    run: RunRecord,
    event: { type: string; at: string; seq: number },
    after: Dependency[],
  ): Promise<void> {
    return this.#inOrder(run.id, async () => {
      const line = JSON.stringify({
        seq: event.seq,
        at: event.at,
        event: event.type,
        status: statusOf(run.phase),
        phase: run.phase,
        reason: run.reason,
        exitCode: run.exitCode,
      });
      await appendFile(join(this.directory(run), 'statuses.jsonl'), `${line}\n`, { mode: 0o600 });
      await this.#writeRecord(run, after);
    });
  }

  /** run.json alone, without a line of history. */
  writeRecord(run: RunRecord, after: Dependency[]): Promise<void> {
    return this.#inOrder(run.id, () => this.#writeRecord(run, after));
  }

  /** Resolves when everything written so far about a run is in its folder. */
  async settled(id: string): Promise<void> {
    await this.#pending.get(id);
  }

  async allSettled(): Promise<void> {
    await Promise.all(this.#pending.values());
  }

  /** Takes the run's mark out of ended/: it has been collected. */
  async clearEnded(run: RunRecord): Promise<void> {
    await rm(join(this.#paths.ended, run.id), { force: true });
  }

  async remove(run: RunRecord): Promise<void> {
    await this.settled(run.id);
    await rm(this.directory(run), { recursive: true, force: true });
    await rm(this.localDirectory(run), { recursive: true, force: true });
  }

  async #writeRecord(run: RunRecord, after: Dependency[]): Promise<void> {
    const json: RunJson = { format: FOLDER_FORMAT, ...run, after };
    await writeAtomically(join(this.directory(run), 'run.json'), `${JSON.stringify(json, null, 2)}\n`);
  }

  #inOrder(id: string, work: () => Promise<void>): Promise<void> {
    const previous = this.#pending.get(id) ?? Promise.resolve();
    const next = previous.then(work).catch((error: unknown) => this.#onError(id, error));
    this.#pending.set(id, next);
    void next.then(() => {
      if (this.#pending.get(id) === next) this.#pending.delete(id);
    });
    return next;
  }
}

function absent(error: unknown): false {
  if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false;
  throw error;
}
