import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, worded } from '../../../daemon/store/database.ts';
import { SCHEMA_VERSION } from '../../../daemon/store/schema.ts';
import { Store } from '../../../daemon/store/store.ts';
import { StoreRig } from './rig.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qwex-database-'));
  file = join(folder, 'deep', 'qwex.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (exclusive = false) => openDatabase({ file, exclusive, nowMs: 42 });

describe('a database', () => {
  it('is made private, durable and of this version', () => {
    const { db, created, setAside } = open();
    try {
      expect({ created, setAside }).toEqual({ created: true, setAside: null });
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(statSync(join(folder, 'deep')).mode & 0o777).toBe(0o700);
      expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
      expect(db.pragma('synchronous', { simple: true })).toBe(2);
      expect(db.pragma('foreign_keys', { simple: true })).toBe(1);
      expect(db.pragma('user_version', { simple: true })).toBe(SCHEMA_VERSION);
      db.exec('CREATE TABLE probe (x)');
      for (const name of readdirSync(join(folder, 'deep')))
        expect(statSync(join(folder, 'deep', name)).mode & 0o077).toBe(0);
    } finally {
      db.close();
    }
  });

  it('has what was acknowledged when its writer was cut off', () => {
    using first = new StoreRig(open().db);
    const run = first.submit();
    // No close: what a second reader sees is what the disk has.
    const reader = new Database(file, { readonly: true });
    expect(reader.prepare('SELECT phase FROM runs WHERE id = ?').pluck().get(run.id)).toBe('queued');
    reader.close();
  });

  it('is opened again with all that it had', () => {
    const run = (() => {
      using rig = new StoreRig(open().db);
      return rig.in('running');
    })();
    const { db, created } = open();
    expect(created).toBe(false);
    using rig = new StoreRig(db);
    expect(rig.store.mustGet(run.id)).toEqual(run);
    expect(rig.submit({ id: '018f0000-0000-7000-8000-aaaaaaaaaaaa' }).seq).toBe(run.seq + 1);
  });

  it('of a newer qwex is refused and left alone', () => {
    const { db } = open();
    db.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
    db.close();
    const before = readFileSync(file);
    expect(() => open()).toThrow(/written by a newer qwex/);
    expect(readFileSync(file)).toEqual(before);
    expect(readdirSync(join(folder, 'deep'))).toEqual(['qwex.db']);
  });

  it.each([
    [
      'is not one at all',
      () => Buffer.from('this is no database, and longer than a header of one hundred bytes. '.repeat(5)),
    ],
    [
      'is damaged inside',
      (whole: Buffer) => {
        // Behind the first page, whose header still looks right.
        const damaged = Buffer.from(whole);
        for (let at = 4096; at < damaged.length; at += 1) damaged[at] = 0xa5;
        return damaged;
      },
    ],
  ])('that %s is set aside whole, and a new one takes its place', (_, damage) => {
    {
      using rig = new StoreRig(open().db);
      rig.in('running');
    }
    const damaged = damage(readFileSync(file));
    writeFileSync(file, damaged);
    const { db, setAside, created } = open();
    db.close();
    expect(created).toBe(true);
    expect(setAside).toBe(`${file}.damaged-42`);
    expect(readFileSync(setAside ?? '')).toEqual(damaged);
    expect(existsSync(file)).toBe(true);
  });

  it('that is empty is not taken for one that has an index', () => {
    open().db.close();
    writeFileSync(file, '');
    const { db } = open();
    const store = new Store(db);
    expect(store.isIndexed).toBe(false);
    store.close();
  });

  it('that another process holds is a conflict that says so', () => {
    const first = open(true);
    try {
      first.db.exec('CREATE TABLE probe (x)');
      expect(() => openDatabase({ file, exclusive: true, nowMs: 1 })).toThrow(/in use by another process/);
    } finally {
      first.db.close();
    }
  });

  it('whose disk is full refuses with no_space, and nothing is changed or told', () => {
    using rig = new StoreRig(open().db);
    const run = rig.submit();
    rig.db.pragma(`max_page_count = ${rig.db.pragma('page_count', { simple: true })}`);
    const before = rig.everything();
    const sources = JSON.stringify('x'.repeat(200_000));
    expect(() => rig.submit({ sources })).toThrow(
      expect.objectContaining({ code: 'no_space', message: expect.stringContaining(file) }),
    );
    expect(rig.everything()).toBe(before);
    expect(rig.heard).toHaveLength(1);
    expect(rig.store.mustGet(run.id).phase).toBe('queued');
  });

  it('that can not be written for whatever reason refuses with a sentence', () => {
    const cause = Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_WRITE' });
    expect(worded(cause, '/q/qwex.db')).toMatchObject({
      ...{ code: 'no_space', cause },
      message: expect.stringMatching(
        /\/q\/qwex\.db can not be written, .*a quota is used up, or the disk fails/,
      ),
    });
  });

  it('gives back what a burst has made of its log', () => {
    using rig = new StoreRig(open().db);
    const sizeMb = () => statSync(`${file}-wal`).size / 1024 / 1024;
    rig.submit({ sources: JSON.stringify('x'.repeat(40 * 1024 * 1024)) });
    expect(sizeMb()).toBeGreaterThan(40);
    rig.submit();
    expect(sizeMb()).toBeLessThanOrEqual(16);
  });
});
