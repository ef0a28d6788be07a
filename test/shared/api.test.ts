// Paths of routes, with their parameters filled in.
import { expect, test } from 'vitest';
import { API, fillPath } from '../../shared/api.ts';

test('a parameter is one segment of the path, whatever is in it', () => {
  const path = (id: string) => fillPath(API.get, { id });
  expect(path('../a b/ü?#%')).toBe('/api/v1/runs/..%2Fa%20b%2F%C3%BC%3F%23%25');
  expect(path('half \ud800')).toBe('/api/v1/runs/half%20%EF%BF%BD');
  expect(() => fillPath(API.get)).toThrow(/needs id/);
});
