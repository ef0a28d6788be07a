import { expect, it } from 'vitest';
import { problemOf } from '../../../daemon/api/problems.ts';

const logged: string[] = [];
const log = { error: (_: object, message: string) => void logged.push(message) };

it.each([
  Object.assign(new Error('ENOSPC: no space left on device, open x'), { code: 'ENOSPC' }),
  Object.assign(new Error('EDQUOT: disk quota exceeded, write'), { code: 'EDQUOT' }),
  new Error('git update-ref failed with exit code 128: error: x: Disk quota exceeded'),
])('%s is a sentence and no bug', (error) => {
  expect(problemOf(error, log)).toMatchObject({
    ...{ status: 507, code: 'no_space' },
    detail: expect.stringContaining(error.message),
    hint: expect.stringContaining('qwex gc'),
  });
  expect(logged).toEqual([]);
});
