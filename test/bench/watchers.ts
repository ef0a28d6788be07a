// What 200 watchers of one run cost the daemon while it writes; beside one watcher.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { compared } from './figure.ts';
import { forgetPeak, memoryBytes, peakMemoryBytes } from './processes.ts';
import { Rig } from './rig.ts';

/** Prints ready, then so many bytes as soon as the fifo is opened. */
const OUTPUT = 'echo ready; read <"$1"; head -c "$0" /dev/urandom';

export const watchers: Bench = {
  name: 'watchers',
  about: "the daemon's memory with 200 watchers of one run, beside one watcher",
  async *run({ quick }) {
    const [many, bytes] = quick ? [20, 1_000_000] : [200, 10_000_000];
    using rig = await Rig.start();
    const cwd = rig.repository('project', { 'main.py': '' });
    // What a daemon takes for its first watcher and never gives back is not what is asked here.
    await watched(rig, cwd, { watchers: 1, bytes });
    const one = await watched(rig, cwd, { watchers: 1, bytes });
    const all = await watched(rig, cwd, { watchers: many, bytes });
    yield compared({
      figure: `memory at its peak, ${many} watchers`,
      unit: 'MB',
      otherName: '1 watcher',
      ours: [all.peakMb],
      others: [one.peakMb],
      target: { differenceAtMost: 50 },
    });
    yield compared({
      figure: `memory afterwards, ${many} watchers`,
      unit: 'MB',
      otherName: '1 watcher',
      ours: [all.afterMb],
      others: [one.afterMb],
    });
  },
};

/** A run that is followed by so many readers from its first to its last byte. */
async function watched(
  rig: Rig,
  cwd: string,
  { watchers: count, bytes }: { watchers: number; bytes: number },
): Promise<{ peakMb: number; afterMb: number }> {
  const { pid } = await rig.status();
  const gate = join(rig.folder, `gate-${crypto.randomUUID()}`);
  rig.spawn('mkfifo', [gate]);
  const [run] = await rig.submit(cwd, [['bash', '-c', OUTPUT, String(bytes), gate]]);
  if (!run) throw new Error('no run');
  forgetPeak(pid);
  const readers = Array.from({ length: count }, () => countBytes(rig, run.id));
  await Promise.all(readers.map(({ ready }) => ready));
  writeFileSync(gate, 'go\n');
  const received = await Promise.all(readers.map(({ total }) => total));
  const expected = bytes + 'ready\n'.length;
  if (received.some((each) => each !== expected)) throw new Error('a watcher did not get everything');
  return { peakMb: peakMemoryBytes(pid) / 1e6, afterMb: memoryBytes(pid) / 1e6 };
}

function countBytes(rig: Rig, id: string): { ready: Promise<void>; total: Promise<number> } {
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  const read = async () => {
    let total = 0;
    for await (const item of rig.runner.watch(id)) {
      if (item.type !== 'output') continue;
      total += item.data.length;
      resolve();
    }
    return total;
  };
  return { ready, total: read() };
}
