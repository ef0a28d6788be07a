import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { expect, test } from 'vitest';
import { Arbiter, arbiterTakers } from '../../../daemon/box/files/arbiter.ts';
import { LockTable, takeLock } from '../../../daemon/box/files/locks.ts';
import { boxFindings, boxReport, boxStatus, setDrained } from '../../../daemon/box/index.ts';
import { BoxRig } from './rig.ts';

const HOUR_MS = 3_600_000;

test('a run gets its devices, their locks and its variables', async () => {
  await using rig = await BoxRig.open({ devices: 3 });
  const member = await rig.member('a');
  const { grant, run } = await member.running({ gpus: 2 });
  expect(grant).toMatchObject({
    devices: ['gpu0', 'gpu1'],
    variables: {
      QWEX_GPUS: 'gpu0,gpu1',
      CUDA_VISIBLE_DEVICES: 'FAKE-gpu0,FAKE-gpu1',
      NVIDIA_VISIBLE_DEVICES: 'FAKE-gpu0,FAKE-gpu1',
      CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    },
  });
  expect(await member.box.decide()).toEqual([]);
  const status = await boxStatus(member.box, { shared: true });
  expect(status.devices.map(({ state, run: holder }) => [state, holder])).toEqual([
    ['leased', run],
    ['leased', run],
    ['free', null],
  ]);
  expect(status.problems).toEqual([]);
});

test('the end of a run starts the next one, of another daemon, at once', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const [a, b] = [await rig.member('a'), await rig.member('b')];
  const first = await a.running();
  const next = b.ask();
  const turn = b.turnOf(next);
  // Until it waits for the end, and nothing else.
  await b.box.decide();
  expect(await b.why(next)).toMatch(
    /^first in line; needs 1 GPU, 0 free: gpu0 held by your run .{8}, until \d\d:\d\d at most$/,
  );
  const granted = turn.then(() => performance.now());
  const ended = first.holder.end().then(() => performance.now());
  // Milliseconds as a rule; the rest is for other programs on the machine, and a poll would take longer.
  expect((await granted) - (await ended)).toBeLessThan(500);
});

test('so does its death with -9, whoever held what', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const [a, b] = [await rig.member('a'), await rig.member('b')];
  const first = await a.running();
  const next = b.ask();
  const turn = b.turnOf(next);
  await b.box.decide();
  await first.holder.end('crash');
  expect(await turn).toMatchObject({ run: next, devices: ['gpu0'] });
});

test('a lock without a lease is held all the same, and named', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const a = await rig.member('a');
  const lock = await takeLock(a.box.folders.places.deviceLock('gpu0'), 0);
  const run = a.ask();
  expect(await a.box.decide()).toEqual([]);
  expect(await a.why(run)).toContain('gpu0 held by somebody who left no word');
  expect((await boxFindings(a.box)).map(({ message }) => message).join()).toContain('no lease says by whom');
  const turn = a.turnOf(run);
  lock?.release();
  expect(await turn).toMatchObject({ devices: ['gpu0'] });
});

test('what was claimed and not taken comes back to the line', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const [a, b] = [await rig.member('a'), await rig.member('b')];
  const run = a.ask();
  const grant = await a.turnOf(run);
  const other = b.ask();
  expect(await b.box.decide()).toEqual([]);
  a.box.giveBack(grant.run);
  a.box.withdraw(grant.run);
  expect(await b.box.decide()).toMatchObject([{ run: other }]);
});

test('what a daemon had claimed when it died holds nobody up, also when the next of its home is there', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const [a, b] = [await rig.member('a'), await rig.member('b')];
  const run = a.ask();
  await a.turnOf(run);
  const next = b.ask();
  expect(await b.box.decide()).toEqual([]);
  // It leaves the claim behind, as it would with -9.
  await a.leave();
  const again = await rig.member('a');
  expect(await b.box.decide()).toMatchObject([{ run: next }]);
  expect(await again.box.decide()).toEqual([]);
  expect(await again.why(run)).toContain('gpu0 held by');
});

test('a daemon that dies before us in the line lets us go first', async () => {
  await using rig = await BoxRig.open({ devices: 2 });
  const [a, b, c] = [await rig.member('a'), await rig.member('b'), await rig.member('c')];
  const { holder } = await c.running();
  const large = a.ask({ gpus: 2 });
  await a.box.decide();
  const small = b.ask({ timeMs: 5 * HOUR_MS });
  const turn = b.turnOf(small);
  await b.box.decide();
  expect(await b.why(small)).toMatch(/reserved for your run .* at \d\d:\d\d, and this run may take longer/);
  expect(await a.why(large)).toContain('first in line');
  await a.leave();
  expect(await turn).toMatchObject({ run: small });
  await holder.end();
});

test('a ticket keeps its place when its priority changes and when its daemon is replaced', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const a = await rig.member('a');
  const { holder } = await a.running();
  const [first, second] = [a.ask(), a.ask()];
  a.box.put({ run: first, gpus: 1, type: null, timeMs: 2 * HOUR_MS, priority: 0, prepared: true });
  await a.leave();
  const again = await rig.member('a');
  again.box.keepOnly(new Set([first, second]));
  await again.box.decide();
  expect((await again.box.explain(first))?.position).toBe(1);
  expect((await again.box.explain(second))?.position).toBe(2);
  again.box.keepOnly(new Set([second]));
  await again.box.decide();
  expect(await again.box.explain(first)).toBeUndefined();
  await holder.end();
});

test('strange files are ignored and named; the line goes on', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const a = await rig.member('a');
  const { places } = a.box.folders;
  const names = Array.from({ length: 7 }, () => randomUUID());
  const [fifo = '', link = '', large = '', folder = '', text = '', other = '', stranger = ''] = names.map(
    (id) => places.ticket(id),
  );
  await once(spawn('mkfifo', [fifo]), 'exit');
  symlinkSync('/etc/passwd', link);
  writeFileSync(large, 'x'.repeat(70_000));
  mkdirSync(folder);
  writeFileSync(text, '{"run":');
  const ticket = {
    run: randomUUID(),
    daemon: a.box.key,
    gpus: 1,
    type: null,
    timeMs: null,
    priority: 0,
    prepared: true,
  };
  writeFileSync(other, JSON.stringify(ticket));
  writeFileSync(stranger, JSON.stringify({ ...ticket, run: names[6], daemon: '4294967294-aaaaaaaa' }));
  const run = a.ask();
  expect(await a.box.decide()).toMatchObject([{ run }]);
  const words = (await boxFindings(a.box)).map(({ message }) => message).join('\n');
  for (const why of [
    'is not a regular file',
    'symbolic link',
    'has 70000 bytes',
    'not JSON',
    'not that of its run',
    "another member's daemon",
  ]) {
    expect(words).toContain(why);
  }
  expect(words.match(/is ignored/g)).toHaveLength(7);
});

test('who decides can be named as long as it does', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const { key, folders } = (await rig.member('a')).box;
  const arbiter = new Arbiter({ places: folders.places, key, locks: new LockTable() });
  for (const round of [1, 2]) {
    const takers = await arbiter.decide(() => arbiterTakers(folders.places));
    expect([round, takers]).toEqual([round, expect.arrayContaining([process.pid])]);
    expect(await arbiterTakers(folders.places)).not.toContain(process.pid);
  }
});

test('an arbiter that is held for ever costs a wait, not the line', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const a = await rig.member('a', { arbiterWaitMs: 50 });
  const lock = await takeLock(a.box.folders.places.arbiterLock, 0);
  const { holder } = await a.running();
  expect((await boxFindings(a.box)).map(({ message }) => message).join()).toContain('holding the arbiter');
  lock?.release();
  await holder.end();
});

test('two decisions at once never give a device to two', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const [a, b] = [await rig.member('a', { arbiterWaitMs: 10 }), await rig.member('b', { arbiterWaitMs: 10 })];
  const lock = await takeLock(a.box.folders.places.arbiterLock, 0);
  a.ask();
  b.ask();
  const grants = (await Promise.all([a.box.decide(), b.box.decide()])).flat();
  lock?.release();
  const results = await Promise.allSettled(grants.map((grant) => a.start(grant)));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('a stranger is named, and the device given out when it has gone', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const a = await rig.member('a');
  const devices = [{ id: 'gpu0' }];
  await rig.describe({ devices, strangers: [{ device: 'gpu0', pid: process.pid, memory_mb: 9318 }] });
  const run = a.ask();
  expect(await a.box.decide()).toEqual([]);
  expect(await a.why(run)).toMatch(
    new RegExp(`only 0 can be given out: gpu0: pid ${process.pid} \\S+ .+, 9\\.1 GB$`),
  );
  expect((await boxStatus(a.box, { shared: true })).devices[0]).toMatchObject({ state: 'stranger' });
  await rig.describe({ devices, strangers: [{ device: 'gpu0', pid: process.pid, memory_mb: 900 }] });
  const fresh = await rig.member('b');
  a.box.withdraw(run);
  // Another daemon takes the first one's word while the process lives; a small one is no stranger.
  const other = fresh.ask();
  expect(await fresh.box.decide()).toEqual([]);
  await a.leave();
  writeFileSync(a.box.folders.places.note(a.box.key), '{}');
  expect(await fresh.box.decide()).toMatchObject([{ run: other }]);
});

test('a daemon that is called and does not answer is passed over until it does', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const [a, b] = [await rig.member('a'), await rig.member('b')];
  const { places } = a.box.folders;
  const [first, second] = [a.ask(), b.ask()];
  expect(await b.box.decide()).toEqual([]);
  expect(readFileSync(places.wakeFile(a.box.key), 'utf8')).toBe('\n');
  // As it is two seconds later.
  const then = new Date(Date.now() - 2500);
  const before = new Date(Date.now() - 5000);
  utimesSync(places.wakeFile(a.box.key), then, then);
  for (const path of [places.presence(a.box.key), places.ticket(first)]) utimesSync(path, before, before);
  const grants = await b.box.decide();
  expect(grants).toMatchObject([{ run: second }]);
  const { decision } = await b.box.look();
  expect(decision.waiting).toMatchObject([{ run: first, position: null, reason: { kind: 'passed_over' } }]);
  b.box.giveBack(second);
  expect(await a.box.decide()).toMatchObject([{ run: first }]);
});

test('a device is drained and comes back, and daemons hear of it', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const a = await rig.member('a');
  await setDrained(rig.root, 'gpu0', 'new fan');
  await a.woken(0);
  const run = a.ask();
  expect(await a.box.decide()).toEqual([]);
  expect(await a.why(run)).toBe('needs 1 GPU, only 0 can be given out: gpu0 is drained: new fan');
  const turn = a.turnOf(run);
  await setDrained(rig.root, 'gpu0', null);
  expect(await turn).toMatchObject({ devices: ['gpu0'] });
  await expect(setDrained(rig.root, 'gpu9', 'x')).rejects.toMatchObject({ code: 'not_found' });
});

test('use is claimed once, witnessed by others, and decides who is next', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const [a, b] = [await rig.member('a'), await rig.member('b')];
  const { holder, run } = await a.running();
  await b.box.decide();
  await holder.end();
  await a.box.decide();
  await a.box.decide();
  const files = a.box.folders.usage.read().files;
  expect(files).toMatchObject([{ key: a.box.key, counted: [run], claim: { decayed: expect.any(Number) } }]);
  expect(Object.values(files[0]?.claim.days ?? {})).toMatchObject([{ runs: 1 }]);
  expect(readdirSync(a.box.folders.places.leases).filter((name) => name.includes(run))).toEqual([]);
  const report = await boxReport(a.box, Date.now() - 7 * 24 * HOUR_MS);
  expect(report.members).toMatchObject([{ runs: 1, note: null }]);
});

test('a request that can never start is refused in words', async () => {
  await using rig = await BoxRig.open({
    devices: 3,
    types: ['a100', 'v100', 'v100'],
    policy: { max_time: '2d', max_devices: 1 },
  });
  const { box } = await rig.member('a');
  const ask = (changes: object) => box.refuse({ gpus: 1, type: null, timeMs: null, ...changes });
  expect(ask({})).toBeNull();
  expect(ask({ gpus: 4 })).toBe('asks for 4 GPUs; this machine has 3');
  expect(ask({ gpus: 2, type: 'a100' })).toBe('asks for 2 a100 GPUs; this machine has 1');
  expect(ask({ gpus: 2 })).toBe('asks for 2 GPUs; the box gives a member 1 at most');
  expect(ask({ type: 'h100' })).toBe('asks for type h100; this machine has a100, v100');
  expect(ask({ timeMs: 72 * HOUR_MS })).toBe('asks for 3d; the box allows 2d at most');
});

test('daemons with other rules do not decide', async () => {
  await using rig = await BoxRig.open();
  const path = `${rig.root}/box.yaml`;
  writeFileSync(path, readFileSync(path, 'utf8').replace('plan: 1', 'plan: 2'));
  const { box } = await rig.member('a');
  await expect(box.decide()).rejects.toMatchObject({ code: 'unsupported' });
});

test('doctor sees folders that are open to all, and lock files that are gone', async () => {
  await using rig = await BoxRig.open();
  const { box } = await rig.member('a');
  expect(await boxFindings(box)).toEqual([
    { level: 'ok', message: expect.stringContaining('in order'), hint: null },
  ]);
  chmodSync(box.folders.places.tickets, 0o777);
  chmodSync(box.folders.places.locks, 0o777);
  const words = (await boxFindings(box)).map(({ message }) => message);
  expect(words).toEqual([
    expect.stringContaining('not sticky'),
    expect.stringContaining('can be changed by others'),
  ]);
});

test('a box that is removed under a daemon is an error that says so', async () => {
  await using rig = await BoxRig.open();
  const { box } = await rig.member('a');
  rmSync(box.folders.places.tickets, { recursive: true });
  await expect(box.decide()).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('tickets'),
  });
});
