// npm run chaos:box -- [--accounts N] [--devices N | --types A,A,B] [--seed N] [--seconds N] [--leases N] [--pace MS] [--keep]
// By root: it makes the accounts. One JSON line on stdout, a table on stderr; exit 1 when anything was not as promised.
import { parseArgs } from 'node:util';
import { isRoot } from '../../rig/accounts.ts';
import { isClean, rows } from '../report.ts';
import { type BoxChaosReport, runBoxChaos } from './box-chaos.ts';

const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '3' },
    devices: { type: 'string', default: '4' },
    types: { type: 'string' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '600' },
    leases: { type: 'string', default: 'Infinity' },
    pace: { type: 'string', default: '600' },
    keep: { type: 'boolean', default: false },
  },
});

function boxTable(report: BoxChaosReport): string {
  const { seed, accounts, devices, seconds, faults, ends, bad, details, idle, leases } = report;
  const { acknowledged, exactlyOnce, usedShare, pressure } = report;
  const { excused, ...lengths } = idle;
  return [
    `seed ${seed}: ${accounts} accounts, ${devices} devices, ${seconds} s`,
    ...rows('killed', faults),
    ...rows('runs', { leases, acknowledged, exactlyOnce }),
    ...rows('ended with', ends),
    ...rows('free and waited for, ms', { ...lengths }),
    ...rows('longer, and excused', excused),
    ...rows('must be 0', bad),
    `devices in use: ${Math.round(usedShare * 100)} %; pressure on CPU and disk ${Math.round(pressure * 100)} %`,
    ...details.slice(0, 40).map((line) => `  ${line}`),
  ].join('\n');
}

if (!isRoot) {
  console.error('only root can make accounts: sudo -E npm run chaos:box');
  process.exit(2);
}
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort());
const report = await runBoxChaos({
  signal: interrupt.signal,
  seed: Number(values.seed),
  accounts: Number(values.accounts),
  types: values.types?.split(',') ?? Array.from({ length: Number(values.devices) }, () => 'fake'),
  seconds: Number(values.seconds),
  leases: Number(values.leases),
  paceMs: Number(values.pace),
  isKept: values.keep,
  onProgress: (text) => console.error(text),
});
const { details, folder, ...line } = report;
console.log(JSON.stringify({ boxChaos: line }));
console.error(boxTable(report));
if (values.keep) console.error(`kept: ${folder}`);
process.exit(isClean(report) ? 0 : 1);
