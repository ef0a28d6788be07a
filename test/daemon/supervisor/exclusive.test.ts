import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { watchLife } from '../../../daemon/box/files/life.ts';
import { findOfRun } from '../../../daemon/box/processes.ts';
import { parseIdentity } from '../../../daemon/supervisor/identity.ts';
import { adoptRun, preventStart } from '../../../daemon/supervisor/index.ts';
import { isLockHeld } from '../../../daemon/supervisor/lock.ts';
import { Rig } from './rig.ts';

const COUNT = 'echo $$ >>$here/count; mkfifo $here/go; read -r _ <$here/go';

/** Holds a lock in this process until it is told to let go. */
async function holdLock(path: string): Promise<Disposable> {
  const fd = openSync(path, 'a');
  const [code] = await once(
    spawn('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] }),
    'exit',
  );
  if (code !== 0) throw new Error(`the lock of ${path} is taken`);
  return { [Symbol.dispose]: () => closeSync(fd) };
}

test('of two supervisors started for one attempt, one runs', async () => {
  await using rig = await Rig.open();
  const run = await rig.run(COUNT, { graceMs: 100 });
  const results = [run.start(), run.start()];
  // The loser waits for the lock for a moment; the winner must not be over before it gave up.
  const kinds = (await Promise.all(results)).map(({ kind }) => kind).sort();
  expect(kinds).toEqual(['claimed', 'started']);
  const winner = (await Promise.all(results)).find((result) => result.kind === 'started');
  await run.say('go');
  await winner?.exited;
  expect((await run.said('count')).split('\n')).toHaveLength(1);
  expect(await run.start({ attempt: 2 })).toEqual({ kind: 'claimed' });
});

test('a busy device is reported, and leaves the attempt unused', async () => {
  await using rig = await Rig.open();
  const devices = await rig.devices('gpu0', 'gpu1');
  const run = await rig.run('true', { devices });
  {
    using _held = await holdLock(rig.path('gpu1'));
    expect(await run.start()).toEqual({ kind: 'devices_busy' });
  }
  expect((await readdir(run.request.runDir)).filter((name) => name.startsWith('claim'))).toEqual([]);
  expect(await run.inspect()).toEqual({ kind: 'never_ran' });
  expect(await isLockHeld(rig.path('gpu0'))).toBe(false);
  for (const missing of ['lockPaths', 'leasePath', 'lifePath'] as const) {
    const gone = missing === 'lockPaths' ? [rig.path('gone')] : rig.path('gone');
    expect(await run.start({ devices: { ...devices, [missing]: gone } })).toEqual({ kind: 'devices_busy' });
  }
  expect(await readFile(devices.leasePath, 'utf8')).toBe('');
  expect(existsSync(rig.path('gone'))).toBe(false);
  expect(await run.complete()).toMatchObject({ exitCode: 0 });
});

test('device locks are held by the job itself, and free once the exit is written', async () => {
  await using rig = await Rig.open();
  const devices = await rig.devices('gpu0');
  const run = await rig.run('mkfifo $here/go; echo $$ >$here/pid; read -r _ <$here/go', { devices });
  const { supervisor, exited } = await run.started();
  await run.said('pid');
  process.kill(supervisor?.pid ?? 0, 'SIGKILL');
  await exited;
  expect(await isLockHeld(rig.path('gpu0'))).toBe(true);
  expect(await isLockHeld(join(run.request.runDir, 'supervisor.lock'))).toBe(false);
  const { exited: ended } = await run.adopted();
  await run.say('go');
  await ended;
  expect(await run.finished()).toMatchObject({ cause: 'lost' });
  expect(await isLockHeld(rig.path('gpu0'))).toBe(false);
  const lease = await readFile(devices.leasePath, 'utf8');
  expect(lease).toMatch(/^held \d+ \d+ [0-9a-f-]+\nended \d{13}\n$/);
  expect(parseIdentity(lease.slice('held '.length))).toEqual(supervisor);
});

test('the lifeline of the devices ends when their locks are free', async () => {
  await using rig = await Rig.open();
  const devices = await rig.devices('gpu0', 'gpu1');
  const run = await rig.run('mkfifo $here/go; echo $$ >$here/pid; read -r _ <$here/go', { devices });
  const { supervisor, exited } = await run.started();
  await run.said('pid');
  const end = new Promise<void>((resolve) => {
    if (watchLife(devices.lifePath, resolve) === undefined) throw new Error('nobody holds the lifeline');
  });
  // The job has inherited it: it tells of the last of them, not of the supervisor.
  process.kill(supervisor?.pid ?? 0, 'SIGKILL');
  await exited;
  expect(watchLife(devices.lifePath, () => undefined)?.close()).toBe(undefined);
  process.kill(run.jobPid, 'SIGKILL');
  await end;
  expect(await Promise.all(devices.lockPaths.map(isLockHeld))).toEqual([false, false]);
});

test("what has left session, group and descriptors is known as the run's to anyone, its supervisor dead or not", async () => {
  await using rig = await Rig.open();
  const stray =
    "setsid bash -c 'exec 3>&- 9>&-; echo $$ >$0/stray; exec sleep 1000' $here </dev/null >/dev/null 2>&1 &";
  const run = await rig.run(`${stray}\nmkfifo $here/go; echo $$ >$here/pid; read -r _ <$here/go`, {
    devices: await rig.devices('gpu0'),
  });
  const { supervisor, exited } = await run.started();
  if (supervisor === undefined) throw new Error('it did not say who it is');
  const pid = Number(await run.said('stray'));
  await run.said('pid');
  process.kill(supervisor.pid, 'SIGKILL');
  process.kill(run.jobPid, 'SIGKILL');
  await exited;
  const seen = () => findOfRun(run.request.runId, supervisor, process.getuid?.() ?? 0)?.pid;
  await expect.poll(seen).toBe(pid);
  process.kill(pid, 'SIGKILL');
  await expect.poll(seen).toBe(undefined);
});

test('neither job nor timer holds the lock', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('mkfifo $here/go; echo $$ >$here/pid; read -r _ <$here/go', {
    timeLimitMs: 3_600_000,
  });
  const { supervisor, exited } = await run.started();
  await run.said('pid');
  const children = readFileSync(`/proc/${supervisor?.pid}/task/${supervisor?.pid}/children`, 'utf8')
    .trim()
    .split(' ');
  expect(children).toHaveLength(2);
  // A fork has everything for an instant; then it must let go for good.
  const holdsLock = async (pid: string) => {
    const fds = await readdir(`/proc/${pid}/fd`);
    const open = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
    return open.some((path) => path.endsWith('supervisor.lock'));
  };
  for (const pid of children) while (await holdsLock(pid));
  await run.say('go');
  await exited;
  expect(await run.finished()).toMatchObject({ exitCode: 0 });
});

test('a prevented attempt does not start; the next one does', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('true');
  expect(await preventStart({ runDir: run.request.runDir, attempt: 1 })).toBe(true);
  expect(await preventStart({ runDir: run.request.runDir, attempt: 1 })).toBe(false);
  expect(await run.start()).toEqual({ kind: 'claimed' });
  expect(await run.inspect()).toEqual({ kind: 'never_ran' });
  await (await run.started({ attempt: 2 })).exited;
  expect(await run.finished()).toMatchObject({ exitCode: 0 });
  expect(await preventStart({ runDir: run.request.runDir, attempt: 2 })).toBe(false);
});

test('prevention and start at the same time: exactly one wins', async () => {
  await using rig = await Rig.open();
  for (let round = 0; round < 8; round += 1) {
    const run = await rig.run('echo $$ >>$here/count');
    const turns = 20 * round;
    const start = run.start();
    for (let turn = 0; turn < turns; turn += 1) await readdir(run.here);
    const prevented = await preventStart({ runDir: run.request.runDir, attempt: 1 });
    const result = await start;
    expect(result.kind).toBe(prevented ? 'claimed' : 'started');
    if (result.kind === 'started') await result.exited;
    expect(await readdir(run.here)).toEqual(prevented ? [] : ['count']);
  }
});

test('adopting is refused for a run that lives, has ended, or never ran', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('mkfifo $here/go; read -r _ <$here/go');
  expect(await adoptRun(run.request)).toEqual({ kind: 'never_ran' });
  const { exited } = await run.started();
  expect(await adoptRun(run.request)).toEqual({ kind: 'not_needed' });
  await run.say('go');
  await exited;
  expect(await adoptRun(run.request)).toEqual({ kind: 'not_needed' });
  expect(await run.finished()).toMatchObject({ exitCode: 0, cause: 'exit' });
});

test('lock and fifos can live on another disk than the run', async () => {
  await using rig = await Rig.open();
  await mkdir(rig.path('local'));
  const run = await rig.run('true', { localDir: rig.path('local') });
  expect(await run.complete()).toMatchObject({ exitCode: 0 });
  expect((await readdir(rig.path('local'))).sort()).toEqual(['gate.1', 'life', 'supervisor.lock']);
});
