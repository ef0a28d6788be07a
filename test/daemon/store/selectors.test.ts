import { describe, expect, it } from 'vitest';
import { resolveRun } from '../../../daemon/store/selectors.ts';
import { QwexError } from '../../../shared/errors.ts';
import { StoreRig } from './rig.ts';

const ID = '018f5a20-1111-7abc-8def-0123456789ab';
const OTHER = '018f5a20-2222-7abc-8def-9999999999cd';

function failure(rig: StoreRig, selector: string): QwexError {
  try {
    resolveRun(rig.store, selector);
  } catch (error) {
    if (error instanceof QwexError) return error;
    throw error;
  }
  throw new Error(`${selector} was found`);
}

describe('a selector', () => {
  it.each([
    ['the full id', ID],
    ['the full id in capitals', ID.toUpperCase()],
    ['a prefix', '018f5a20-1'],
    ['a suffix', '89ab'],
    ['a suffix in capitals', '89AB'],
    ['a name', 'train'],
    ['the latest but one', '@~1'],
    ['white space around', ` ${ID} `],
  ])('finds by %s', (_, selector) => {
    using rig = new StoreRig();
    rig.submit({ id: ID, name: 'train' });
    rig.submit({ id: OTHER });
    expect(resolveRun(rig.store, selector).id).toBe(ID);
  });

  it('takes a name as it is written before a part of an id, and an id before a name', () => {
    using rig = new StoreRig();
    const named = rig.submit({ name: '89AB' });
    const byId = rig.submit({ id: ID, name: 'other' });
    rig.submit({ name: ID });
    expect(resolveRun(rig.store, '89AB').id).toBe(named.id);
    expect(resolveRun(rig.store, '89ab').id).toBe(ID);
    expect(resolveRun(rig.store, ID).id).toBe(byId.id);
  });

  it('is ambiguous with the candidates', () => {
    using rig = new StoreRig();
    rig.submit({ id: ID, name: 'train' });
    rig.submit({ id: OTHER });
    const error = failure(rig, '018f');
    expect(error.code).toBe('ambiguous');
    expect(error.details).toEqual({ candidates: [OTHER, ID] });
    expect(error.message).toContain(`${ID}  train  queued  python train.py`);
    expect(error.hint).toBe('give more characters of the id');
  });

  it('lists ten candidates and says that there are more', () => {
    using rig = new StoreRig();
    for (let i = 0; i < 12; i += 1) rig.submit();
    const error = failure(rig, '018f');
    expect(error.message.split('\n')).toHaveLength(12);
    expect(error.message).toMatch(/…$/);
  });

  it.each([
    'nothing',
    '@',
    '@~3',
    '',
    '..',
    '\0',
    '%',
    '_',
    '--',
    '----',
    '🦊',
    'x'.repeat(500),
    "' OR 1=1 --",
  ])('of nothing is not_found: %j', (selector) => {
    using rig = new StoreRig();
    const error = failure(rig, selector);
    expect(error.code).toBe('not_found');
    expect(error.hint).toBeDefined();
  });

  it('of three characters says that four are wanted', () => {
    using rig = new StoreRig();
    rig.submit({ id: ID });
    expect(failure(rig, '9ab').hint).toContain('at least 4 characters');
  });
});
