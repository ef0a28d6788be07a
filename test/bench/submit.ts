// A durable submission on a kept connection, beyond the time that git itself needs to look at the tree; beside the
// least that a durable queue can do, one row inserted and synced.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { timed } from './alternate.ts';
import type { Bench } from './bench.ts';
import { compared, percentile } from './figure.ts';
import { KeptConnection } from './kept-connection.ts';
import { Rig } from './rig.ts';

const LOOK = ['--no-optional-locks', 'status', '--porcelain=v2', '--branch', '-z'];

export const submit: Bench = {
  name: 'submit',
  about: 'POST /runs, durable, beside a SQLite insert and sync',
  async *run({ quick }) {
    const rounds = quick ? 20 : 300;
    using rig = await Rig.start();
    const cwd = rig.repository('project', { 'main.py': 'print(1)\n' });
    const sha = rig.git(cwd, 'rev-parse', 'HEAD').trim();
    await rig.pause();
    using connection = new KeptConnection(rig.home);
    using insertion = bareInsertion(join(rig.folder, 'bare.db'));
    const [posts, looks, inserts]: number[][] = [[], [], []];
    for (let round = -5; round < rounds; round += 1) {
      const post = await timed(() => connection.submit({ cwd, sha }));
      const look = await timed(() => runGit(cwd, rig.env));
      const insert = await timed(insertion.insert);
      if (round < 0) continue;
      posts?.push(post);
      looks?.push(look);
      inserts?.push(insert);
    }
    const [ours = [], git = [], others = []] = [posts, looks, inserts];
    yield compared({
      figure: 'POST /runs, whole',
      unit: 'ms',
      otherName: 'git status alone',
      ours,
      others: git,
    });
    const beyond = ours.map((value, at) => value - (git[at] ?? 0));
    yield compared({
      figure: 'POST /runs beyond git status',
      unit: 'ms',
      otherName: 'SQLite insert, synced',
      ours: beyond,
      others,
      target: { ratioAtMost: 2 },
    });
    const p99 = { ours: [percentile(ours, 99)], others: [percentile(git, 99)] };
    yield compared({ figure: 'POST /runs, p99', unit: 'ms', otherName: 'git status, p99', ...p99 });
  },
};

async function runGit(cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn('git', LOOK, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.resume();
  await once(child, 'close');
}

/** One row a transaction, of the size of a run with its job, on the disk when it returns. */
function bareInsertion(file: string): Disposable & { insert: () => void } {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE runs (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, content TEXT NOT NULL)');
  const statement = db.prepare('INSERT INTO runs (id, content) VALUES (?, ?)');
  return {
    insert: () => void statement.run(crypto.randomUUID(), 'x'.repeat(1500)),
    [Symbol.dispose]: () => void db.close(),
  };
}
