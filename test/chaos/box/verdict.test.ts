// The judgement of a run: what it must notice.
import { expect, test } from 'vitest';
import { type BoxCase, type BoxFault, type BoxLine, judgeBoxRun } from './verdict.ts';

const line = (what: string): BoxLine => {
  return { text: what, atMs: 1, what, run: 'r', tag: 't', uid: 1000, pid: 1, gpus: ['gpu0'] };
};
const GOOD: BoxCase = {
  run: { phase: 'succeeded', reason: 'exit', exitCode: 0, message: null },
  lines: [line('begin'), line('end')],
  uid: 1000,
  victims: new Set(),
};
const LOST = { phase: 'failed', reason: 'lost', exitCode: null, message: null };

test('a run that went as promised is blamed for nothing, nor is one that honestly lost its supervisor', () => {
  expect(judgeBoxRun(GOOD)).toEqual([]);
  expect(judgeBoxRun({ ...GOOD, run: LOST, victims: new Set(['supervisor']) })).toEqual([]);
});

const BAD: [BoxFault, Partial<BoxCase>][] = [
  ['twice', { lines: [line('begin'), line('begin'), line('end')] }],
  ['never', { lines: [] }],
  ['stuck', { run: { ...GOOD.run, phase: 'running', reason: null } }],
  ['lost', { run: LOST }],
  ['wrongEnd', { run: { ...GOOD.run, exitCode: 1 } }],
  ['wrongEnd', { run: LOST, lines: [line('begin')], victims: new Set(['supervisor']) }],
  ['wrongMember', { uid: 1001 }],
];

test.each(BAD)('it notices: %s', (fault, change) => {
  expect(judgeBoxRun({ ...GOOD, ...change }).map((found) => found.fault)).toContain(fault);
});
