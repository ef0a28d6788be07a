// The checker itself: what it must notice, shown with runs that were tampered with.
import { expect, test } from 'vitest';
import type { LedgerLine, RunEvidence } from './evidence.ts';
import { sha256 } from './evidence.ts';
import type { Request } from './journal.ts';
import { type Case, judge, type RunFault } from './verdict.ts';
import { expectedBytes, type Wish } from './workload.ts';

const WISH: Wish = {
  ...{ index: 7, tag: 't000007', kind: 'quick', number: 3, count: 1, route: 'library', retries: 0 },
  ...{ after: null, timeMs: null, cancelAfterMs: null, isWatched: false, ownEnvironment: false },
};
const REQUEST: Request = {
  ...{ wish: WISH, ids: ['a'], isUncertain: false, cancel: 'none', refusals: [], watchFaults: [] },
};
const LINES: LedgerLine[] = [
  { what: 'begin', runId: 'a', tag: WISH.tag, pid: 1, code: null, place: 0 },
  { what: 'end', runId: 'a', tag: WISH.tag, pid: 1, code: 3, place: 1 },
];

function goodCase(): Case {
  const { stdout, stderr, files } = expectedBytes(WISH);
  const manifest = [...files].map(([path, content]) =>
    content.subarray(0, 3).toString() === '-> '
      ? { path, sha256: null, sizeBytes: 0, target: content.subarray(3).toString() }
      : { path, sha256: sha256(content), sizeBytes: content.length },
  );
  const run: RunEvidence = {
    ...{ id: 'a', folder: '/', tag: WISH.tag, phase: 'failed', reason: 'exit', exitCode: 3, message: null },
    ...{ retryOf: null, retriedBy: null, after: [], stdout, stderr, files, manifest },
    history: [
      { seq: 1, phase: 'queued' },
      { seq: 5, phase: 'failed' },
    ],
  };
  return { run, request: REQUEST, lines: LINES, victims: new Set(), parents: [] };
}

test('a run that went as promised is blamed for nothing', () => {
  expect(judge(goodCase())).toEqual([]);
});

const TAMPERED: [RunFault, (subject: Case) => Case][] = [
  ['twice', (good) => ({ ...good, lines: [...LINES, ...LINES] })],
  ['never', (good) => ({ ...good, lines: [] })],
  ['stuck', (good) => ({ ...good, run: { ...good.run, phase: 'collecting', reason: null } })],
  ['lost', (good) => ({ ...good, run: { ...good.run, reason: 'lost', exitCode: null } })],
  ['wrongEnd', (good) => ({ ...good, run: { ...good.run, reason: 'cancelled' } })],
  ['wrongExitCode', (good) => ({ ...good, run: { ...good.run, exitCode: 4 } })],
  ['wrongOutput', (good) => ({ ...good, run: { ...good.run, stdout: good.run.stdout.subarray(1) } })],
  ['wrongArtifacts', (good) => ({ ...good, run: { ...good.run, files: new Map() } })],
  ['wrongHistory', (good) => ({ ...good, run: { ...good.run, history: [] } })],
  [
    'outOfOrder',
    (good) => ({ ...good, parents: [{ run: { ...good.run, id: 'b', phase: 'succeeded' }, lines: [] }] }),
  ],
];

test.each(TAMPERED)('it notices: %s', (fault, tamper) => {
  expect(judge(tamper(goodCase())).map((found) => found.fault)).toContain(fault);
});

test('lost is right for a run whose supervisor was killed, and only then', () => {
  const good = goodCase();
  const lost = { ...good.run, reason: 'lost', exitCode: null };
  expect(judge({ ...good, run: lost, victims: new Set(['supervisor'] as const) })).toEqual([]);
  expect(judge({ ...good, run: lost, victims: new Set(['leader'] as const) })).not.toEqual([]);
});
