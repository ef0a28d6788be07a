// What the daemon costs when there is nothing to do, and what a queued run costs.
import { basename } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { measured } from './figure.ts';
import { activity, childrenOf, memoryBytes, processesWith, shareOfMemoryBytes } from './processes.ts';
import { Rig } from './rig.ts';

export const idle: Bench = {
  name: 'idle',
  about: 'memory, wake-ups and CPU of an idle daemon; processes per queued run',
  async *run({ quick }) {
    const [runs, queued] = quick ? [3, 10] : [20, 1000];
    const [settleMs, spanMs] = quick ? [7_000, 2_000] : [15_000, 10_000];
    using rig = await Rig.start({ slots: 2 });
    const cwd = rig.repository('project', { 'main.py': '' });
    const { pid } = await rig.status();
    // One that has done some work of every kind, artifacts included.
    const command = ['bash', '-c', 'mkdir out; echo hi | tee out/greeting'];
    await rig.succeeded(
      await rig.submit(
        cwd,
        Array.from({ length: runs }, () => command),
      ),
    );
    await rig.pause();
    const before = processesWith(basename(rig.folder)).length;
    await rig.submit(
      cwd,
      Array.from({ length: queued }, () => ['true']),
    );
    const after = processesWith(basename(rig.folder)).length;
    yield measured({
      figure: `processes per queued run, of ${queued}`,
      unit: '',
      value: (after - before) / queued,
      target: { atMost: 0 },
    });
    // Idle threads end by themselves after some seconds.
    await wait(settleMs);
    const first = activity(pid);
    await wait(spanMs);
    const last = activity(pid);
    const seconds = spanMs / 1000;
    const wakeUps = (last.sleeps - first.sleeps) / seconds;
    yield measured({ figure: 'idle: wake-ups a second', unit: '', value: wakeUps, target: { atMost: 0.5 } });
    yield measured({ figure: 'idle: CPU', unit: 'ms/s', value: (last.cpuMs - first.cpuMs) / seconds });
    const memory = memoryBytes(pid) / 1e6;
    yield measured({ figure: 'idle: memory', unit: 'MB', value: memory, target: { atMost: 90 } });
    // Two of one program share most of it: each is counted with its share.
    const shares = [pid, ...childrenOf(pid)].map(shareOfMemoryBytes);
    const all = shares.reduce((sum, each) => sum + each, 0) / 1e6;
    yield measured({ figure: 'idle: memory with its starter, what is shared once', unit: 'MB', value: all });
  },
};
