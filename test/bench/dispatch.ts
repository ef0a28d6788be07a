// From a slot that is free to the first instruction of the next command; beside a bare worktree and bash.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { compared, measured, median } from './figure.ts';
import { Rig } from './rig.ts';

/** Appends the time, with microseconds, as the command's first act. */
const SAY_WHEN = 'echo $EPOCHREALTIME >> "$0"';

export const dispatch: Bench = {
  name: 'dispatch',
  about: 'a free slot to the next command, beside git worktree add and bash',
  async *run({ quick }) {
    const [rounds, chain] = quick ? [2, 4] : [10, 8];
    using rig = await Rig.start();
    const cwd = rig.repository('project', { 'main.py': 'print(1)\n', 'README.md': 'a project\n' });
    const [ours, others, gaps]: [number[], number[], number[]] = [[], [], []];
    for (let round = -1; round < rounds; round += 1) {
      const marks = join(rig.folder, `marks-${round}`);
      const runs = await rig.submit(
        cwd,
        Array.from({ length: chain }, () => ['bash', '-c', SAY_WHEN, marks]),
      );
      await rig.succeeded(runs);
      const begun = timesIn(marks);
      for (let at = 1; at < chain; at += 1) {
        const bare = bareStart(rig, cwd, `bare-${round}-${at}`);
        const freed = runs[at - 1] && rig.steps(runs[at - 1] as never).at(-1)?.atMs;
        const [previous, next] = [begun[at - 1], begun[at]];
        if (freed === undefined || previous === undefined || next === undefined)
          throw new Error('a mark is missing');
        if (round < 0) continue;
        ours.push(next - freed);
        gaps.push(next - previous);
        others.push(bare);
      }
    }
    yield compared({
      figure: 'slot free → next command',
      unit: 'ms',
      otherName: 'git worktree add + bash',
      ours,
      others,
      target: { differenceAtMost: 30 },
    });
    yield measured({
      figure: 'one command → next command',
      unit: 'ms',
      value: median(gaps),
      samples: gaps.length,
    });
  },
};

/** Milliseconds from the decision to the first instruction. */
function bareStart(rig: Rig, cwd: string, name: string): number {
  const [space, mark] = [join(rig.folder, name), join(rig.folder, `${name}.mark`)];
  const begun = performance.timeOrigin + performance.now();
  rig.git(cwd, 'worktree', 'add', '--quiet', '--detach', space, 'HEAD');
  rig.spawn('bash', ['-c', SAY_WHEN, mark], space);
  const [first = Number.NaN] = timesIn(mark);
  rig.git(cwd, 'worktree', 'remove', '--force', space);
  return first - begun;
}

/** Milliseconds since the epoch. */
function timesIn(file: string): number[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => Number(line) * 1000);
}
