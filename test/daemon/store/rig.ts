// A store over a database in memory, a clock that the test moves, and runs brought to any phase.
import Database from 'better-sqlite3';
import type { NewRun, RunRecord } from '../../../daemon/store/record.ts';
import { migrate } from '../../../daemon/store/schema.ts';
import { Store } from '../../../daemon/store/store.ts';
import { jobIdOf, type Recipe, sha256 } from '../../../shared/recipe.ts';
import type { EndReason, Phase } from '../../../shared/run-state.ts';
import type { RunEvent } from '../../../shared/schemas/local.ts';

export const SCRIPT = '#!/bin/bash\necho hello\n';
export const SOURCES = '[]';

export class StoreRig {
  readonly db: Database.Database;
  readonly store: Store;
  /** What listeners were told, in order. */
  readonly heard: RunEvent[] = [];
  nowMs = 1_700_000_000_000;
  #count = 0;

  constructor(db: Database.Database = inMemory()) {
    this.db = db;
    this.store = new Store(db, () => this.nowMs);
    this.store.events.listen((events) => this.heard.push(...events));
  }

  newRun(over: Partial<NewRun> = {}): NewRun {
    this.#count += 1;
    const recipe = recipeOf();
    return {
      id: `018f0000-0000-7000-8000-${String(this.#count).padStart(12, '0')}`,
      recipe,
      jobId: jobIdOf(over.recipe ?? recipe),
      script: SCRIPT,
      sources: SOURCES,
      root: '/repo',
      commonDir: '/repo/.git',
      environment: sha256('environment'),
      umask: 0o022,
      name: null,
      priority: 0,
      held: false,
      retries: 0,
      after: [],
      notes: [],
      ...over,
    };
  }

  submit(over: Partial<NewRun> = {}): RunRecord {
    const [run] = this.store.submit([this.newRun(over)]);
    if (!run) throw new Error('nothing was submitted');
    return run;
  }

  /** A run in a phase, on the way that runs go. */
  in(phase: Phase, over: Partial<NewRun> = {}): RunRecord {
    const run = this.submit(over);
    if (phase === 'queued') return run;
    this.store.claim(run.id, 'boot-1');
    if (phase === 'preparing') return this.store.mustGet(run.id);
    this.store.start(run.id, this.nowMs);
    if (phase === 'running') return this.store.mustGet(run.id);
    return this.exit(run.id, phase);
  }

  /** Fails a queued run the way a command does. */
  failByExit(id: string, reason: EndReason = 'exit'): RunRecord {
    this.store.claim(id, 'boot-1');
    this.store.start(id, this.nowMs);
    this.store.exit(id, exitFacts(this.nowMs, { exitCode: 1, reason }));
    return this.store.fail(id, { reason });
  }

  succeed(id: string): RunRecord {
    this.store.claim(id, 'boot-1');
    this.store.start(id, this.nowMs);
    this.store.exit(id, exitFacts(this.nowMs, {}));
    return this.store.succeed(id, { reason: 'exit' });
  }

  /** Everything that the database holds about a run, as one comparable text. */
  everything(): string {
    const tables = ['runs', 'jobs', 'texts', 'dependencies', 'requests', 'settings', 'events'];
    return JSON.stringify(tables.map((table) => this.db.prepare(`SELECT * FROM ${table}`).all()));
  }

  types(id?: string): string[] {
    return this.heard.filter((event) => id === undefined || event.runId === id).map(({ type }) => type);
  }

  [Symbol.dispose](): void {
    this.store.close();
  }

  private exit(id: string, phase: Phase): RunRecord {
    const failed = phase === 'failed';
    this.store.exit(id, exitFacts(this.nowMs, { exitCode: failed ? 1 : 0 }));
    if (phase === 'succeeded') return this.store.succeed(id, { reason: 'exit' });
    if (phase === 'failed') return this.store.fail(id, { reason: 'exit' });
    if (phase === 'cancelled') return this.store.cancel(id, { reason: 'cancelled' });
    return this.store.mustGet(id);
  }
}

export function exitFacts(nowMs: number, over: { exitCode?: number | null; reason?: EndReason }) {
  return { exitCode: 0, reason: 'exit' as const, message: null, startedAt: null, exitedAt: nowMs, ...over };
}

export function recipeOf(over: Partial<Recipe> = {}): Recipe {
  return {
    workspace: 'project',
    commit: 'a'.repeat(40),
    subdir: '',
    command: ['python', 'train.py'],
    envNames: [],
    runner: 'base',
    resources: { gpus: 0, gpuType: null, timeMs: null },
    scriptSha256: sha256(SCRIPT),
    resumable: false,
    links: [],
    submodules: false,
    artifacts: { watch: ['out'], ignore: [], maxFileBytes: 1_000_000 },
    ...over,
  };
}

function inMemory(): Database.Database {
  const db = new Database(':memory:');
  db.pragma('foreign_keys = ON');
  migrate(db);
  return db;
}
