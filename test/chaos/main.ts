// npm run chaos -- [--seed N] [--faults N] [--seconds N] [--keep]: one JSON line on stdout, a table on stderr; exit 1
// when anything was not as promised, and its folder is kept to be looked at.
import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { runChaos } from './chaos.ts';
import { isClean, table } from './report.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: 'Infinity' },
    keep: { type: 'boolean', default: false },
  },
});

const report = await runChaos({
  seed: Number(values.seed),
  faults: Number(values.faults),
  seconds: Number(values.seconds),
  onProgress: (text) => console.error(text),
});
const { details, folder, ...line } = report;
console.log(JSON.stringify({ chaos: line }));
console.error(table(report));
const clean = isClean(report);
if (clean && !values.keep) await rm(folder, { recursive: true, force: true });
else console.error(`kept: ${folder}`);
process.exit(clean ? 0 : 1);
