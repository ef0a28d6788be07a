// Devices whose lock is free, and that somebody uses: what is left of a run whose supervisor was killed, or a stranger.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import type { ProcessIdentity } from '../../../daemon/supervisor/identity.ts';
import { BoxRig, type Member } from './rig.ts';

/** A run whose supervisor is this child, and has let go of everything. */
async function goingOn(
  member: Member,
  bash: (run: string) => string,
): Promise<{ run: string; child: ChildProcess; said: string }> {
  const { run } = await member.turnOf(member.ask());
  const child = spawn('bash', ['-c', bash(run)], { detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
  const [said] = (await once(createInterface({ input: child.stdout as never }), 'line')) as [string];
  await member.box.started(run, identityOf(child.pid ?? 0));
  return { run, child, said };
}

function identityOf(pid: number): ProcessIdentity {
  const startTime = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[19] ?? '';
  return { pid, startTime, bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() };
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** In a session of its own, without a descriptor of anybody, and with the mark: says its pid, and goes on. */
const stray = (run: string): string => {
  const mark = 10n ** 18n + BigInt(`0x${run.slice(-12)}`);
  return `ulimit -S -R ${mark}; setsid bash -c 'echo $$; exec sleep 1000 >&-' & read -r _`;
};

test('a device whose lock is free and in whose session somebody lives is not given out', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const [a, b] = [await rig.member('a'), await rig.member('b')];
  const { child } = await goingOn(a, () => 'echo on; read -r _');
  const next = b.ask();
  expect(await b.box.decide()).toEqual([]);
  expect(await b.why(next)).toContain('gpu0 held by');
  // Nobody says that it has ended: it is noticed.
  const turn = b.turnOf(next);
  await end(child);
  expect(await turn).toMatchObject({ run: next });
});

test('what has left the session too keeps its device as long as it lives, whoever of its keepers does', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const [a, b] = [await rig.member('a'), await rig.member('b')];
  const { run, child, said } = await goingOn(a, stray);
  await end(child);
  const next = b.ask();
  // Its own daemon sees it as well: it must not clear away the lease.
  expect(await a.box.decide()).toEqual([]);
  await a.leave();
  expect(await b.box.decide()).toEqual([]);
  expect(await b.why(next)).toContain(`held by your run ${run.slice(-8)}`);
  const turn = b.turnOf(next);
  process.kill(Number(said), 'SIGKILL');
  expect(await turn).toMatchObject({ run: next });
});

test('the end of one that has lasted for a while is noticed at once', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const [a, b] = [await rig.member('a'), await rig.member('b')];
  const { child } = await goingOn(a, () => 'echo on; exec sleep 1.5');
  let endedMs = 0;
  child.once('exit', () => {
    endedMs = performance.now();
  });
  const next = b.ask();
  expect(await b.turnOf(next)).toMatchObject({ run: next });
  // The bench of handovers has the figures; this machine may be busy with other tests.
  expect(performance.now() - endedMs).toBeLessThan(500);
});

test('a session whose number somebody else has by now is over', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const a = await rig.member('a');
  const { run } = await a.turnOf(a.ask());
  const other = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  await once(other, 'spawn');
  const { pid, bootId } = identityOf(other.pid ?? 0);
  await a.box.started(run, { pid, startTime: '1', bootId });
  const next = a.ask();
  expect(await a.turnOf(next)).toMatchObject({ run: next, devices: ['gpu0'] });
  await end(other);
});

test('so is the end of a stranger', async () => {
  await using rig = await BoxRig.open({ devices: 1 });
  const a = await rig.member('a');
  const stranger = spawn('sleep', ['1000'], { stdio: 'ignore' });
  await once(stranger, 'spawn');
  const devices = [{ id: 'gpu0' }];
  await rig.describe({ devices, strangers: [{ device: 'gpu0', pid: stranger.pid, memory_mb: 9000 }] });
  const run = a.ask();
  expect(await a.box.decide()).toEqual([]);
  expect(await a.why(run)).toContain(`pid ${stranger.pid}`);
  await rig.describe({ devices });
  const turn = a.turnOf(run);
  const endedMs = performance.now();
  await end(stranger);
  expect(await turn).toMatchObject({ run });
  // And not when it would have been looked for again.
  expect(performance.now() - endedMs).toBeLessThan(10_000);
});
