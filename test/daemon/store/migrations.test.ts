// A database of every schema that there ever was, against what the migrations make of one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../daemon/store/database.ts';
import { migrate, SCHEMA_VERSION } from '../../../daemon/store/schema.ts';
import { Store } from '../../../daemon/store/store.ts';
import { VERSION } from '../../../shared/version.ts';
import { fixtures, readFixture, writeDatabase } from '../../e2e/fixtures/fixture.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qwex-migrations-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const versions = await fixtures();
const tablesOf = (db: Database.Database) =>
  db.prepare('SELECT sql FROM sqlite_master WHERE sql IS NOT NULL').pluck().all();

it('every schema has a fixture, and so has this version', async () => {
  const schemas = await Promise.all(
    versions.map(async (version) => (await readFixture(version, '/x')).schema),
  );
  const all = Array.from({ length: SCHEMA_VERSION }, (_, index) => index + 1);
  expect([...new Set(schemas)].sort(), 'make one: node test/e2e/fixtures/make.ts').toEqual(all);
  expect(versions).toContain(VERSION);
});

describe.each(versions)('the database of qwex %s', (version) => {
  it('is what the migrations up to its schema make: none of them was edited since', async () => {
    const { schema, tables } = await readFixture(version, folder);
    const db = new Database(':memory:');
    migrate(db, schema);
    const hint = `a released migration is never edited; if ${version} is not released: node test/e2e/fixtures/make.ts`;
    expect(tablesOf(db), hint).toEqual(tables);
    db.close();
  });

  it('becomes one of this schema, with every run that it had', async () => {
    const fixture = await readFixture(version, folder);
    const file = join(folder, 'qwex.db');
    writeDatabase(fixture, file);
    const { db, setAside } = openDatabase({ file, exclusive: false, nowMs: 1 });
    const fresh = new Database(':memory:');
    migrate(fresh);
    expect(setAside).toBeNull();
    expect(new Set(tablesOf(db))).toEqual(new Set(tablesOf(fresh)));
    const store = new Store(db);
    expect(store.isIndexed).toBe(true);
    for (const id of Object.values(fixture.runs)) expect(store.mustGet(id).id).toBe(id);
    fresh.close();
    store.close();
  });
});
