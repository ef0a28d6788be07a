// npm run bench -- [NAME …] [--quick] [--table] [--out FILE] [--artifact-gb N]
// One JSON line per figure on stdout, a table on stderr at the end. Benchmarks report: a missed target is no failure.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { artifacts } from './artifacts.ts';
import type { Bench } from './bench.ts';
import { boxDecide } from './box-decide.ts';
import { boxHandover } from './box-handover.ts';
import { burst } from './burst.ts';
import { dispatch } from './dispatch.ts';
import type { Figure } from './figure.ts';
import { history } from './history.ts';
import { idle } from './idle.ts';
import { shortRuns } from './short-runs.ts';
import { soak } from './soak.ts';
import { space } from './space.ts';
import { start } from './start.ts';
import { submit } from './submit.ts';
import { formatTable } from './table.ts';
import { watchLatency } from './watch-latency.ts';
import { watchThroughput } from './watch-throughput.ts';
import { watchers } from './watchers.ts';

const BENCHES: readonly Bench[] = [
  start,
  submit,
  history,
  shortRuns,
  dispatch,
  burst,
  boxDecide,
  boxHandover,
  space,
  artifacts,
  watchLatency,
  watchThroughput,
  watchers,
  idle,
  soak,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    /** The table goes to stdout, in place of the JSON lines. */
    table: { type: 'boolean', default: false },
    out: { type: 'string' },
    'artifact-gb': { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});

/** A name chooses what it begins: `watch` runs three. */
function chosen(): Bench[] {
  const unknown = positionals.filter((word) => !BENCHES.some(({ name }) => name.startsWith(word)));
  if (unknown.length > 0) throw new Error(`no benchmark ${unknown.join(', ')}; see --list`);
  if (positionals.length === 0) return BENCHES.filter(({ isLong }) => !isLong);
  return BENCHES.filter(({ name }) => positionals.some((word) => name.startsWith(word)));
}

async function main(): Promise<number> {
  if (values.list) {
    for (const { name, about, isLong } of BENCHES)
      console.log(`${name.padEnd(18)}${about}${isLong ? ' (long: only by name)' : ''}`);
    return 0;
  }
  const figures: Figure[] = [];
  const failed: string[] = [];
  const artifactBytes = Math.round(Number(values['artifact-gb'] ?? (values.quick ? 0.1 : 2)) * 1e9);
  for (const bench of chosen()) {
    process.stderr.write(`${bench.name} …\n`);
    const note = (text: string) => void process.stderr.write(`  ${text}\n`);
    try {
      for await (const figure of bench.run({ quick: values.quick, artifactBytes, note })) {
        figures.push(figure);
        if (!values.table) console.log(JSON.stringify({ bench: bench.name, ...figure }));
      }
    } catch (error) {
      failed.push(bench.name);
      console.error(`${bench.name} failed:`, error);
    }
  }
  if (values.out)
    await writeFile(values.out, `${JSON.stringify({ quick: values.quick, figures }, null, 2)}\n`);
  (values.table ? process.stdout : process.stderr).write(`\n${formatTable(figures)}\n`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await main();
