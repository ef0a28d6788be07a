// The short form of `npm run chaos:box`.
import { expect, test } from 'vitest';
import { isRoot } from '../../rig/accounts.ts';
import { isClean } from '../report.ts';
import { runBoxChaos } from './box-chaos.ts';

// Somebody without root can't make accounts; a build server that can't is misconfigured, and has to say so.
if (!isRoot && process.env.CI !== 'true') console.warn('not root: the chaos of the box is left out');

test.skipIf(!isRoot && process.env.CI !== 'true')(
  'three accounts share four devices through kills of everything: never two on one, none left idle',
  async () => {
    const types = ['fake', 'fake', 'fake', 'fake'];
    const report = await runBoxChaos({
      ...{ seed: 20_260, accounts: 3, types, seconds: 30, leases: 400, paceMs: 500 },
    });
    expect(
      isClean(report),
      JSON.stringify({ ...report, details: report.details.slice(0, 20) }, null, 1),
    ).toBe(true);
    expect(report.leases).toBeGreaterThan(10);
    expect(report.faultCount).toBeGreaterThan(10);
  },
  180_000,
);
