// A durable submission on a kept connection, beside the least that a durable queue can do, one row inserted and synced.
// Of the submission that names no commit, what goes beyond the time that git itself needs to look at the tree.
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
    const measured: Record<'named' | 'here' | 'look' | 'insert', number[]> = {
      named: [],
      here: [],
      look: [],
      insert: [],
    };
    for (let round = -5; round < rounds; round += 1) {
      const values = {
        named: await timed(() => connection.submit({ cwd, sha })),
        here: await timed(() => connection.submitHere(cwd)),
        look: await timed(() => runGit(cwd, rig.env)),
        insert: await timed(insertion.insert),
      };
      if (round < 0) continue;
      for (const name of ['named', 'here', 'look', 'insert'] as const) measured[name].push(values[name]);
    }
    const { named, here, look, insert } = measured;
    const beside = { unit: 'ms', otherName: 'SQLite insert, synced', others: insert };
    const target = { ratioAtMost: 2 };
    yield compared({ figure: 'POST /runs of a commit', ...beside, ours: named, target });
    const beyond = here.map((value, at) => value - (look[at] ?? 0));
    yield compared({ figure: 'POST of the tree, beyond git status', ...beside, ours: beyond, target });
    const git = { unit: 'ms', otherName: 'git status' };
    yield compared({ figure: 'POST of the tree, whole', ...git, ours: here, others: look });
    const p99 = { ours: [percentile(here, 99)], others: [percentile(look, 99)] };
    yield compared({ figure: 'POST of the tree, p99', ...git, ...p99 });
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
