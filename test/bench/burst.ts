// A thousand runs in one request, from the command line; beside as many calls of task-spooler.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alternate } from './alternate.ts';
import type { Bench } from './bench.ts';
import { compared } from './figure.ts';
import { Rig } from './rig.ts';

export const burst: Bench = {
  name: 'burst',
  about: '1,000 runs with qwex run --each, beside 1,000 calls of tsp',
  async *run({ quick, note }) {
    if (spawnSync('tsp', ['-V']).error) {
      note('skipped: tsp is not installed (Debian: apt-get install task-spooler)');
      return;
    }
    const [pairs, count] = quick ? [1, 50] : [5, 1000];
    using rig = await Rig.start();
    const cwd = rig.repository('project', { 'main.py': 'print(1)\n' });
    const lines = join(rig.folder, 'sweep.txt');
    writeFileSync(lines, Array.from({ length: count }, (_, at) => `true --seed ${at}\n`).join(''));
    await rig.pause();
    const measured = await alternate(
      { pairs, warmUps: quick ? 0 : 1 },
      () => rig.qwexMs(['run', '--each', lines], cwd),
      () => queueWithSpooler(rig, count),
    );
    yield compared({
      figure: `${count} runs in one request`,
      unit: 'ms',
      otherName: `${count} × tsp`,
      ...measured,
      target: { timesFaster: 3 },
    });
  },
};

/** It stops answering at about a thousand: every queued job is a process with a connection. */
const MOST_JOBS = 500;
const LOOP = 'for ((i = 0; i < $1; i++)); do tsp true --seed "$i" >/dev/null; done';

/** What the calls take, in milliseconds. */
function queueWithSpooler(rig: Rig, count: number): number {
  let spentMs = 0;
  for (let left = count; left > 0; left -= MOST_JOBS) {
    const words = ['bash', '-c', LOOP, 'loop', String(Math.min(left, MOST_JOBS))];
    spentMs += withSpooler(rig, (env) => rig.wallMs('env', [...env, ...words]));
  }
  return spentMs;
}

/** A task-spooler of our own whose one slot is taken, so that nothing but queueing is measured. */
function withSpooler(rig: Rig, measure: (env: string[]) => number): number {
  const env = [`TS_SOCKET=${join(rig.folder, 'tsp.sock')}`, `TMPDIR=${rig.folder}`];
  rig.spawn('env', [...env, 'tsp', 'sleep', '1000']);
  try {
    return measure(env);
  } finally {
    // The server takes all that wait with it, and the job must not be left over.
    rig.spawn('env', [...env, 'bash', '-c', 'job=$(tsp -p 0); tsp -K; kill "$job"']);
  }
}
