// From a line that is written to the line that qwex watch prints; beside tail -f of the same log.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { compared, measured, percentile } from './figure.ts';
import { Rig } from './rig.ts';

/** Says that it is there, waits at a fifo for its readers, then writes the time every 20 ms. */
const TICKS = `echo ready; exec 3<"$1"; exec 4<>"$1"
  for ((i = 0; i < $0; i++)); do echo $EPOCHREALTIME; read -r -t 0.02 -u 4; done
  exit 0`;

export const watchLatency: Bench = {
  name: 'watch-latency',
  about: 'a line written to the line printed by qwex watch, beside tail -f',
  async *run({ quick }) {
    const lines = quick ? 50 : 1000;
    using rig = await Rig.start();
    const cwd = rig.repository('project', { 'main.py': '' });
    const gate = join(rig.folder, 'gate');
    rig.spawn('mkfifo', [gate]);
    const [run] = await rig.submit(cwd, [['bash', '-c', TICKS, String(lines), gate]]);
    if (!run) throw new Error('no run');
    const watch = follow(rig, rig.qwexPath, ['watch', run.id]);
    await watch.ready;
    const tail = follow(rig, 'tail', ['-n', '+1', '-f', join(run.directory, 'logs', 'stdout.log')]);
    await tail.ready;
    closeSync(openSync(gate, 'w'));
    await rig.succeeded([run]);
    await once(watch.child, 'close');
    tail.child.kill();
    const [ours, others] = [watch.latencies, tail.latencies];
    if (ours.length !== lines) throw new Error(`qwex watch printed ${ours.length} of ${lines} lines`);
    const otherName = 'tail -f';
    yield compared({
      figure: 'watch: written → printed, p50',
      unit: 'ms',
      otherName,
      ours: [percentile(ours, 50)],
      others: [percentile(others, 50)],
      target: { atMost: 20 },
    });
    yield compared({
      figure: 'watch: written → printed, p99',
      unit: 'ms',
      otherName,
      ours: [percentile(ours, 99)],
      others: [percentile(others, 99)],
      target: { atMost: 100 },
    });
    yield measured({ figure: 'watch: written → printed, worst', unit: 'ms', value: Math.max(...ours) });
  },
};

interface Follower {
  child: ChildProcess;
  /** It has printed the first line. */
  ready: Promise<unknown>;
  /** Milliseconds for each line that says when it was written. */
  latencies: number[];
}

function follow(rig: Rig, program: string, args: string[]): Follower {
  const child = spawn(program, args, { env: rig.env, stdio: ['ignore', 'pipe', 'ignore'] });
  const { stdout } = child;
  const latencies: number[] = [];
  let rest = '';
  stdout.on('data', (chunk: Buffer) => {
    const nowMs = performance.timeOrigin + performance.now();
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (/^\d/.test(line)) latencies.push(nowMs - Number(line) * 1000);
  });
  return { child, ready: once(stdout, 'data'), latencies };
}
