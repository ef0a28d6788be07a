import { expect, test } from 'vitest';
import { formatStatus } from '../../../cli/view/status-page.ts';
import { styleFor } from '../../../cli/view/style.ts';
import { aRun } from '../rig.ts';

const options = {
  skipped: [],
  style: styleFor(false, {}),
  now: new Date('2026-11-21T12:10:00Z'),
};

test('shows what is there and no line for what is not', () => {
  const page = formatStatus(aRun({ name: 'big' }), options);
  expect(page.split('\n')[0]).toBe('27201aca  big  succeeded');
  expect(page).toMatch(/^ {2}took +3m 05s$/m);
  expect(page).toMatch(/^ {2}commit +ac90cf9e52ceba7661f19179d2c5e97889782f4d$/m);
  expect(page).not.toMatch(/priority|retry|gpus|place|not kept/);
});

test('tells skipped files, retries and dependencies', () => {
  const skipped = [{ path: 'out/big.bin', reason: 'larger than 1000 MB' }];
  const run = aRun({
    retryOf: 'aaaaaaaa-0000-7000-8000-0000000000ff',
    after: [{ id: 'aaaaaaaa-0000-7000-8000-0000000000ee', policy: 'any' }],
    notes: ['an editable install was redirected'],
  });
  const page = formatStatus(run, { ...options, skipped });
  expect(page).toMatch(/not kept +out\/big\.bin: larger than 1000 MB/);
  expect(page).toMatch(/retry of +000000ff/);
  expect(page).toMatch(/after +000000ee \(however it ends\)/);
  expect(page).toMatch(/note +an editable install/);
});

test('a pending run says what it waits for', () => {
  const run = aRun({
    status: 'pending',
    phase: 'queued',
    startedAt: null,
    finishedAt: null,
    exitCode: null,
    reason: null,
    message: '2 ahead of you',
    position: 3,
  });
  const page = formatStatus(run, options);
  expect(page).toMatch(/waits for +2 ahead of you/);
  expect(page).toMatch(/place +3 in the queue/);
  expect(page).not.toMatch(/took|exit code/);
});
