import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { v7 } from 'uuid';
import { expect, test, vi } from 'vitest';
import { parseBoxFile } from '../../../daemon/box/config.ts';
import { holdLife, makeFifo, watchLife } from '../../../daemon/box/files/life.ts';
import { LockTable, takeLock } from '../../../daemon/box/files/locks.ts';
import { boxPlaces } from '../../../daemon/box/files/places.ts';
import { ForeignFolder } from '../../../daemon/box/files/read-file.ts';
import { Tickets } from '../../../daemon/box/files/tickets.ts';
import { decayedTo, EMPTY_TALLY, usageOf, weighedUse, withUse } from '../../../daemon/box/files/usage.ts';
import { initBox, preparePrivateBox, sharedBoxRoot } from '../../../daemon/box/index.ts';
import { isLockHeld } from '../../../daemon/supervisor/lock.ts';
import { DriverRig } from './driver-rig.ts';
import { BoxRig } from './rig.ts';

const HOUR_MS = 3_600_000;

async function folder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'qwex-files-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

test('a new box has the folders and modes that its safety rests on', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const places = boxPlaces(rig.root);
  const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);
  expect([places.root, places.locks, places.boxFile].map(mode)).toEqual(['755', '755', '644']);
  expect([places.tickets, places.leases, places.wake, places.usage].map(mode)).toEqual(Array(4).fill('1777'));
  expect([places.arbiterLock, places.deviceLock('gpu0')].map(mode)).toEqual(['444', '444']);
  const again = { path: rig.root, source: 'declared' as const, devices: [], defaultTimeMs: 1000 };
  await expect(initBox(again)).rejects.toMatchObject({ code: 'conflict' });
  await expect(initBox({ ...again, path: join(rig.fakeFile, 'box') })).rejects.toMatchObject({
    code: 'forbidden',
  });
  await expect(
    initBox({ ...again, path: join(rig.folder, 'x'), group: 'no-such-group' }),
  ).rejects.toMatchObject({
    code: 'not_found',
  });
  expect(existsSync(join(rig.folder, 'x'))).toBe(false);
});

test('every mistake in box.yaml is named with its line', () => {
  const text = `plan: 1
source: nvidai
default_time: 30
devices:
  - { id: gpu0, uuid: GPU-1 }
  - { id: gpu0 }
  - { id: ../etc, typ: a100 }
policy:
  half_live: 7d
  max_time: 1h
  members: { user1: { band: high } }
`;
  const message = (() => {
    try {
      parseBoxFile(text, 'box.yaml');
      return '';
    } catch (error) {
      return String(error);
    }
  })();
  expect(message).toContain('box.yaml:2: source must be "nvidia"');
  expect(message).toContain('box.yaml:3: default_time is wrong: the time "30" has no unit');
  expect(message).toContain('box.yaml:7: devices[2].id must be a name');
  expect(message).toContain('unknown key "typ" under devices[2]; did you mean "type"?');
  expect(message).toContain('box.yaml:9: unknown key "half_live" under policy; did you mean "half_life"?');
  expect(message).toContain('box.yaml:11: policy.members.user1.band must be');
  const valid =
    'plan: 1\nsource: fake\ndefault_time: 2d\ndevices: [{ id: a }, { id: a }]\npolicy: { max_time: 1d }\n';
  expect(() => parseBoxFile(valid, 'box.yaml')).toThrow(
    /"a" is taken[\s\S]*longer than policy.max_time|longer than policy.max_time[\s\S]*"a" is taken/,
  );
});

test('a private box has the devices of the machine, and keeps what its owner has set', async () => {
  await using place = await folder();
  await using rig = await DriverRig.open();
  const root = await preparePrivateBox(place.path, { env: rig.env });
  const path = boxPlaces(root).boxFile;
  expect(parseBoxFile(readFileSync(path, 'utf8'), path)).toMatchObject({ source: 'declared', devices: [] });
  writeFileSync(path, readFileSync(path, 'utf8').replace('policy: {}', 'policy: { max_runs: 3 } # mine'));
  await rig.nvidia('driver-535');
  await preparePrivateBox(place.path, { env: rig.env });
  const text = readFileSync(path, 'utf8');
  expect(parseBoxFile(text, path)).toMatchObject({ source: 'nvidia', policy: { max_runs: 3 } });
  expect(text).toContain('# mine');
  expect(existsSync(boxPlaces(root).deviceLock('gpu4'))).toBe(true);
  await preparePrivateBox(place.path, { env: rig.env });
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('which box is meant: the environment, then the setting, then the usual place if it is there', () => {
  expect(sharedBoxRoot({ QWEX_BOX: '/a' }, '/b')).toBe('/a');
  expect(sharedBoxRoot({ QWEX_BOX: '' }, '/b')).toBe('/b');
  expect(sharedBoxRoot({}, undefined)).toBe(
    existsSync('/var/lib/qwex/box.yaml') ? '/var/lib/qwex' : undefined,
  );
});

test('the table of locks agrees with a try, and looking disturbs nobody', async () => {
  await using place = await folder();
  const [held, free] = [join(place.path, 'held'), join(place.path, 'free')];
  for (const path of [held, free]) writeFileSync(path, '');
  const lock = await takeLock(held, 0);
  const table = new LockTable();
  const paths = [held, free, join(place.path, 'missing')];
  expect(await table.held(paths)).toEqual(new Set([held]));
  await table.calibrate(held);
  expect(await table.held(paths)).toEqual(new Set([held]));
  expect(await takeLock(held, 0)).toBeUndefined();
  lock?.release();
  lock?.release();
  expect(await table.held(paths)).toEqual(new Set());
  expect(await isLockHeld(held)).toBe(false);
});

test('a lifeline tells of the end of its last holder, by any death', async () => {
  await using place = await folder();
  const path = join(place.path, 'life');
  expect(watchLife(path, () => undefined)).toBeUndefined();
  writeFileSync(path, '');
  expect(watchLife(path, () => undefined)).toBeUndefined();
  await makeFifo(path);
  expect(watchLife(path, () => undefined)).toBeUndefined();
  const own = holdLife(path);
  const child = spawn('bash', ['-c', `exec 9<>'${path}'; echo open; read -r _`], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  const ended = new Promise<string>((resolve) => watchLife(path, () => resolve('ended')));
  own.close();
  own.close();
  expect(await Promise.race([ended, Promise.resolve('alive')])).toBe('alive');
  child.kill('SIGKILL');
  expect(await ended).toBe('ended');
});

test('a thousand tickets are read in a fraction of a decision when few have changed', async () => {
  await using place = await folder();
  const places = boxPlaces(place.path);
  await mkdir(places.tickets);
  const tickets = new Tickets(places);
  const key = `${process.getuid?.() ?? 0}-0badcafe`;
  const runs = Array.from({ length: 1000 }, () => v7());
  for (const run of runs)
    tickets.put({ run, gpus: 1, type: null, timeMs: null, priority: 0, prepared: true }, key);
  expect(tickets.read().tickets).toHaveLength(1000);
  const times = Array.from({ length: 9 }, () => {
    const startMs = performance.now();
    expect(tickets.read().tickets).toHaveLength(1000);
    return performance.now() - startMs;
  });
  expect(Math.min(...times)).toBeLessThan(20);
  const [changed = ''] = runs;
  const birth = tickets.read().tickets.find(({ run }) => run === changed)?.seniorityMs;
  tickets.put({ run: changed, gpus: 4, type: 'a100', timeMs: 5, priority: -3, prepared: false }, key);
  const after = tickets.read().tickets.find(({ run }) => run === changed);
  expect(after).toMatchObject({ gpus: 4, type: 'a100', priority: -3, seniorityMs: birth });
});

test('what has just been written is read again: a second write in the same tick would look the same', async () => {
  await using place = await folder();
  const path = join(place.path, 'one.json');
  writeFileSync(path, 'x');
  const writtenMs = statSync(path).ctimeMs;
  const read: string[] = [];
  const files = new ForeignFolder(place.path, '.json', ({ text }) => {
    read.push(text);
    return { text };
  });
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Math.ceil(writtenMs) + 10);
  for (const _ of [1, 2]) files.read();
  expect(read).toEqual(['x', 'x']);
  clock.mockReturnValue(Math.ceil(writtenMs) + 1000);
  for (const _ of [1, 2, 3]) files.read();
  expect(read).toHaveLength(3);
  clock.mockRestore();
});

test('the weight of use halves with each half-life, in whatever pieces it is counted', () => {
  const halfLifeMs = HOUR_MS;
  const use = { devices: 2, startMs: 0, endMs: HOUR_MS };
  const now = weighedUse(use, HOUR_MS, halfLifeMs);
  expect(now).toBeCloseTo((2 * 3600 * 0.5) / Math.LN2, 6);
  expect(weighedUse(use, 2 * HOUR_MS, halfLifeMs)).toBeCloseTo(now / 2, 6);
  fc.assert(
    fc.property(fc.nat({ max: 1000 }), fc.nat({ max: 1000 }), fc.nat({ max: 1000 }), (a, b, wait) => {
      const [startMs, middleMs, endMs] = [0, a * 1000, (a + b) * 1000];
      const nowMs = endMs + wait * 1000;
      const context = { nowMs: middleMs, halfLifeMs };
      const first = withUse({ ...EMPTY_TALLY }, { devices: 1, startMs, endMs: middleMs }, context);
      const second = withUse(first, { devices: 1, startMs: middleMs, endMs }, { nowMs: endMs, halfLifeMs });
      const whole = weighedUse({ devices: 1, startMs, endMs }, nowMs, halfLifeMs);
      expect(decayedTo(nowMs, second, halfLifeMs)).toBeCloseTo(whole, 6);
    }),
    { seed: 4, numRuns: 200 },
  );
});

test('the larger of claim and witness counts, and one witness of several cannot overstate it', () => {
  const tally = (decayed: number) => ({ decayed, asOfMs: 0, days: {} });
  const file = (member: number, claim: number, seen: Record<string, number>) => ({
    key: `${member}-00000000`,
    member,
    claim: tally(claim),
    counted: [],
    seen: Object.fromEntries(Object.entries(seen).map(([uid, decayed]) => [uid, tally(decayed)])),
  });
  const at = { nowMs: 0, halfLifeMs: HOUR_MS };
  expect(usageOf(1, [file(1, 5, { 1: 1e9 }), file(2, 0, { 1: 100 })], at)).toEqual({
    claimed: 5,
    witnessed: 100,
  });
  const three = [file(1, 5, {}), file(2, 0, { 1: 90 }), file(3, 0, { 1: 100 }), file(4, 0, { 1: 1e12 })];
  expect(usageOf(1, three, at)).toEqual({ claimed: 5, witnessed: 100 });
  expect(usageOf(9, three, at)).toEqual({ claimed: 0, witnessed: 0 });
});
