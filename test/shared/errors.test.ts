import { expect, test } from 'vitest';
import { ERROR_CODES, QwexError } from '../../shared/errors.ts';

test('every code has an exit code of the documented set', () => {
  const documented = new Set([2, 3, 4, 5, 69, 70]);
  for (const row of Object.values(ERROR_CODES)) expect(documented).toContain(row.exit);
});

test('an error carries its code, hint and exit code', () => {
  const error = new QwexError({ code: 'not_found', message: 'no run abcd', hint: 'qwex list' });
  expect([error.code, error.hint, error.exitCode, error.httpStatus]).toEqual([
    'not_found',
    'qwex list',
    3,
    404,
  ]);
});
