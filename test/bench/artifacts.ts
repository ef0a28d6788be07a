// Collecting artifacts: one big file, many small ones; beside sha256sum of the same files.
import { join } from 'node:path';
import type { Run } from '../../shared/schemas/run.ts';
import { alternate } from './alternate.ts';
import type { Bench } from './bench.ts';
import { compared } from './figure.ts';
import { Rig } from './rig.ts';

const BIG = 'mkdir -p out && openssl rand -out out/model.bin "$0"';
const SMALL = `mkdir -p out && cd out && for ((d = 0; d < $0 / 100; d++)); do mkdir $d
  for ((i = 0; i < 100; i++)); do echo "$d $i $RANDOM" >$d/$i.txt; done; done`;
const SUMS = 'find "$1" -type f -print0 | xargs -0 sha256sum >/dev/null';

export const artifacts: Bench = {
  name: 'artifacts',
  about: 'collecting one big file and 20,000 small ones, beside sha256sum',
  async *run({ quick, artifactBytes }) {
    using rig = await Rig.start();
    const files = { 'main.py': '', 'qwex.yaml': 'artifacts: { max_file_size_mb: 100000 }\n' };
    const cwd = rig.repository('project', files);
    const small = quick ? 500 : 20_000;
    const rows = [
      { figure: `${(artifactBytes / 1e9).toFixed(1)} GB in one file`, script: BIG, size: artifactBytes },
      { figure: `${small} small files`, script: SMALL, size: small },
    ];
    for (const { figure, script, size } of rows) {
      let directory = '';
      const ours = async () => {
        const runs = await rig.submit(cwd, [['bash', '-c', script, String(size)]]);
        await rig.succeeded(runs);
        directory = runs[0]?.directory ?? '';
        return collectingMs(rig, runs[0]);
      };
      // Of the very files that were kept: both find them in the page cache.
      const sums = () => {
        const spent = rig.wallMs('bash', ['-c', SUMS, 'sums', join(directory, 'files')]);
        rig.spawn('rm', ['-rf', join(directory, 'files')]);
        return spent;
      };
      const measured = await alternate({ pairs: quick ? 1 : 5 }, ours, sums);
      yield compared({
        figure: `artifacts: ${figure}`,
        unit: 'ms',
        otherName: 'sha256sum',
        ...measured,
        target: { ratioAtMost: 1.3 },
      });
    }
  },
};

/** From the record of the exit to that of the end. */
function collectingMs(rig: Rig, run: Run | undefined): number {
  const steps = run ? rig.steps(run) : [];
  const exited = steps.find((step) => step.event === 'exited')?.atMs ?? Number.NaN;
  return (steps.at(-1)?.atMs ?? Number.NaN) - exited;
}
