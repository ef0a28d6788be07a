import { describe, expect, test } from 'vitest';
import { causeOf, exitCodeOf, statusText } from '../../../cli/view/run-words.ts';
import { endLine, endSummary } from '../../../cli/view/summary.ts';
import { END_REASONS } from '../../../shared/run-state.ts';
import { aRun } from '../rig.ts';

describe('exit code', () => {
  test.each([
    ['succeeded', 0, 'exit', 0],
    ['failed', 3, 'exit', 3],
    ['failed', 137, 'signal', 137],
    ['failed', null, 'lost', 70],
    ['failed', null, 'prepare_failed', 70],
    ['failed', 0, 'collect_failed', 70],
    ['cancelled', 0, 'cancelled', 130],
    ['cancelled', 143, 'cancelled', 130],
  ] as const)('%s with code %s by %s exits with %d', (status, exitCode, reason, expected) => {
    expect(exitCodeOf(aRun({ status, exitCode, reason }))).toBe(expected);
  });
});

describe('words', () => {
  test('every reason of a failure has its own', () => {
    const failures = END_REASONS.filter((reason) => reason !== 'cancelled');
    const words = failures.map((reason) => causeOf(aRun({ status: 'failed', reason, exitCode: 137 })));
    expect(words).not.toContain('');
    expect(new Set(words).size).toBe(words.length);
  });

  test.each([
    [{ status: 'failed', exitCode: 1 }, 'failed (exit 1)'],
    [{ status: 'failed', reason: 'signal', exitCode: 137 }, 'failed (signal 9)'],
    [{ status: 'pending', phase: 'queued', held: true }, 'pending (held)'],
    [{ status: 'running', phase: 'collecting' }, 'running (collecting)'],
    [
      { status: 'running', phase: 'running', cancelRequestedAt: '2026-11-21T12:00:00Z' },
      'running (stopping)',
    ],
    [{}, 'succeeded'],
  ] as const)('%o reads %s', (changes, text) => {
    expect(statusText(aRun(changes))).toBe(text);
  });

  test('the end line says what, why and how long', () => {
    expect(endLine(aRun({ name: 'big' }))).toBe('run 27201aca (big) succeeded after 3m 05s');
    const timeout = aRun({
      status: 'failed',
      reason: 'timeout',
      exitCode: 143,
      message: 'it ran for its 1h',
    });
    expect(endLine(timeout)).toBe('run 27201aca failed (time limit) after 3m 05s: it ran for its 1h');
  });

  test('the summary names artifacts and notes, and lets no note fake a line', () => {
    const run = aRun({ artifactCount: 2, artifactBytes: 1500, notes: ['left wandb/\nqwex: fine'] });
    expect(endSummary(run)).toEqual([
      'run 27201aca succeeded after 3m 05s',
      '2 artifacts, 1.5 kB: qwex artifacts 27201aca',
      'note: left wandb/\\nqwex: fine',
    ]);
  });
});
