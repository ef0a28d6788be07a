// How long the command takes: asked for its version, listing, submitting; beside an empty program of the same runtime.
import { alternate } from './alternate.ts';
import type { Bench } from './bench.ts';
import { compared } from './figure.ts';
import { NODE, Rig } from './rig.ts';

const LISTED_RUNS = 10;

export const start: Bench = {
  name: 'start',
  about: 'wall time of qwex --version, list and run, beside node -e 0',
  async *run({ quick }) {
    const pairs = quick ? 5 : 30;
    using rig = await Rig.start();
    const cwd = rig.repository('project', { 'main.py': 'print(1)\n', 'README.md': 'a project\n' });
    await rig.succeeded(
      await rig.submit(
        cwd,
        Array.from({ length: LISTED_RUNS }, () => ['true']),
      ),
    );
    // What is queued must not run beside what is measured.
    await rig.pause();
    const rows = [
      { figure: 'qwex --version', args: ['--version'], ratioAtMost: 1.25 },
      { figure: 'qwex list, 10 runs', args: ['list'], ratioAtMost: 1.6 },
      { figure: 'qwex run', args: ['run', 'true'], ratioAtMost: 2 },
    ];
    for (const { figure, args, ratioAtMost } of rows) {
      const measured = await alternate(
        { pairs, warmUps: 3 },
        () => rig.qwexMs(args, cwd),
        () => rig.wallMs(NODE, ['-e', '0'], cwd),
      );
      yield compared({ figure, unit: 'ms', otherName: 'node -e 0', ...measured, target: { ratioAtMost } });
    }
  },
};
