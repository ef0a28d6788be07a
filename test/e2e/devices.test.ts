// Runs that ask for devices: two daemons, one box with fake devices, programs that check for themselves who has what.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isLockHeld } from '../../daemon/supervisor/lock.ts';
import { makeFakeBox } from '../rig/fake-box.ts';
import { lives, processesWith, untilGone } from '../rig/processes.ts';
import type { Repository } from '../rig/repository.ts';
import { Rig } from '../rig/rig.ts';

const HOUR_MS = 3_600_000;

/** A box with fake devices below a rig's folder. Resolves to its path. */
async function makeBox(rig: Rig, count: number, policy: Record<string, unknown> = {}): Promise<string> {
  const path = rig.path('box');
  await makeFakeBox({ path, file: rig.path('fake.yaml'), types: Array(count).fill('fake'), policy });
  return path;
}

/** A daemon that takes part in a box of `count` devices, alone. */
async function alone(count: number, policy: Record<string, unknown> = {}) {
  const rig = await Rig.start({ daemon: false });
  const box = await makeBox(rig, count, policy);
  await writeFile(rig.paths.config, `slots: 1\ngrace: 500ms\nbox: ${box}\n`, { mode: 0o600 });
  await rig.startDaemon();
  return { rig, box };
}

async function left(box: string): Promise<string[]> {
  const tickets = await readdir(join(box, 'tickets'));
  const leases = (await readdir(join(box, 'leases'))).filter((name) => /\.(lease|life)$/.test(name));
  return [...tickets, ...leases];
}

test('a run gets its devices and their variables over whatever was inherited; one without sees none', async () => {
  const { rig, box } = await alone(3);
  await using _ = rig;
  const repo = await rig.repo();
  const program = await rig.program();
  const env = { CUDA_VISIBLE_DEVICES: '7', QWEX_GPUS: 'mine', NVIDIA_VISIBLE_DEVICES: 'all' };
  const show = 'echo "$QWEX_GPUS|$CUDA_VISIBLE_DEVICES|$NVIDIA_VISIBLE_DEVICES|$CUDA_DEVICE_ORDER"';
  const id = await rig.ok(['run', '--gpus', '2', '--', ...program.command], { cwd: repo.root, env });
  await program.started();
  expect(await program.ask(show)).toBe('gpu0,gpu1|FAKE-gpu0,FAKE-gpu1|FAKE-gpu0,FAKE-gpu1|PCI_BUS_ID');
  await rig.until('run.started', id);
  expect(await rig.client.get(id)).toMatchObject({ devices: ['gpu0', 'gpu1'], status: 'running' });
  expect(await isLockHeld(join(box, 'locks', 'gpu0.lock'))).toBe(true);
  const without = await rig.qwex(['run', '--', 'bash', '-c', show], { cwd: repo.root, env });
  expect(without.stderr).toContain('--gpus 1');
  const other = without.stdout.trim();
  // Slots and devices are counted apart.
  expect((await rig.ended(other)).status).toBe('succeeded');
  expect(await rig.runFile(other, 'logs', 'stdout.log')).toBe('||void|PCI_BUS_ID\n');
  await program.exit(0);
  expect(await rig.ended(id)).toMatchObject({ status: 'succeeded', devices: ['gpu0', 'gpu1'] });
  await rig.supervisorsGone();
  await expect.poll(() => left(box)).toEqual([]);
});

test('who waits is told for whom; cancel, hold and pause end the wait', async () => {
  const { rig, box } = await alone(1);
  await using _ = rig;
  const repo = await rig.repo();
  const program = await rig.program();
  const first = await rig.submit(repo, '--gpus', '1', '--', ...program.command);
  await program.started();
  const second = await rig.submit(repo, '--gpus', '1', '--', 'true');
  await rig.until('run.claimed', second);
  const third = await rig.submit(repo, '--gpus', '1', '--', 'true');
  await rig.until('run.claimed', third);
  const waits = new RegExp(
    `gpu0 held by your run ${first.slice(-8)}, until .* at most; expected to start by`,
  );
  await expect.poll(async () => (await rig.client.get(second)).message).toMatch(waits);
  expect(await rig.client.get(second)).toMatchObject({ status: 'pending', position: 1, devices: [] });
  await rig.ok(['cancel', second]);
  expect(await rig.ended(second)).toMatchObject({ status: 'cancelled', startedAt: null });
  await rig.ok(['hold', third]);
  expect(await rig.client.get(third)).toMatchObject({ phase: 'queued', held: true, position: null });
  await rig.ok(['pause']);
  await rig.ok(['release', third]);
  await program.exit(0);
  await rig.ended(first);
  await rig.supervisorsGone();
  await expect.poll(() => left(box)).toEqual([]);
  expect((await rig.client.get(third)).message).toContain('qwex resume');
  await rig.ok(['resume']);
  expect((await rig.ended(third)).status).toBe('succeeded');
});

test('what could never start is refused with the way out; the time limit is that of the box', async () => {
  const { rig, box } = await alone(2, { max_time: '1h' });
  await using _ = rig;
  const repo = await rig.repo();
  const refused = async (...args: string[]) => {
    const { code, stderr } = await rig.qwex(['run', ...args, '--', 'true'], { cwd: repo.root });
    expect(code).toBe(2);
    return stderr;
  };
  expect(await refused('--gpus', '3')).toContain('this machine has 2');
  expect(await refused('--gpus', 'a100:1')).toContain('this machine has fake');
  expect(await refused('--gpus', '1', '--time', '2h')).toContain('1h at most');
  const { stdout, stderr } = await rig.qwex(['run', '--gpus', '1', '--', 'true'], { cwd: repo.root });
  expect(stderr).toContain('ended after 1h');
  const { directory } = await rig.client.get(stdout.trim());
  await rig.ended(stdout.trim());
  const holding = JSON.parse(await readFile(join(directory, 'devices.json'), 'utf8'));
  expect(holding).toMatchObject({ devices: ['gpu0'], timeLimitMs: HOUR_MS });
  expect(holding.leasePath).toContain(box);
});

test('a broken shared box costs nobody their daemon: runs without devices go on', async () => {
  await using rig = await Rig.start({ env: { QWEX_BOX: '/nonexistent/box' } });
  rig.expectLogged(/box cannot be used/);
  const repo = await rig.repo();
  const waiting = await rig.submit(repo, '--gpus', '1', '--', 'true');
  expect((await rig.ended(await rig.submit(repo, '--', 'true'))).status).toBe('succeeded');
  expect((await rig.client.get(waiting)).message).toContain('/nonexistent/box');
  expect((await rig.qwex(['doctor'])).stdout).toContain('/nonexistent/box');
});

test('without devices a run that asks for one is refused', async () => {
  await using rig = await Rig.start({ env: { PATH: '/usr/bin:/bin' } });
  const repo = await rig.repo();
  const { code, stderr } = await rig.qwex(['run', '--gpus', '1', '--', 'true'], { cwd: repo.root });
  expect(code).toBe(2);
  expect(stderr).toMatch(/this machine has 0[\s\S]*qwex box init/);
});

/** Takes each of its devices for itself, and says so when somebody else has it. */
const JOB = `
IFS=, read -ra mine <<<"$QWEX_GPUS"
for gpu in "\${mine[@]}"; do
  ( set -C; echo "$QWEX_RUN_ID" >"$MARKS/$gpu" ) 2>/dev/null || echo "$QWEX_RUN_ID: $gpu is $(<"$MARKS/$gpu")'s" >>"$MARKS/conflicts"
done
read -r -t 0.1 <>"$MARKS/never"
for gpu in "\${mine[@]}"; do rm -f "$MARKS/$gpu"; done
`;

test('two daemons share four devices through kills of daemon, supervisor and job: never two holders', async () => {
  await using a = await Rig.start({ daemon: false });
  await using b = await Rig.start({ daemon: false });
  const box = await makeBox(a, 4);
  const marks = a.path('marks');
  await mkdir(marks);
  const rigs = [a, b];
  const repos = new Map<Rig, Repository>();
  for (const rig of rigs) {
    await writeFile(rig.paths.config, `slots: 1\ngrace: 500ms\nbox: ${box}\n`, { mode: 0o600 });
    await rig.startDaemon();
    repos.set(rig, await rig.repo({ 'job.sh': JOB }));
    rig.expectLogged(/./);
  }
  await a.shell(`mkfifo ${marks}/never`);
  const submit = async (rig: Rig, gpus: number): Promise<string> => {
    const args = ['run', '--time', '1m', '--gpus', String(gpus), '--', 'bash', 'job.sh'];
    return rig.ok(args, { cwd: repos.get(rig)?.root ?? '', env: { MARKS: marks } });
  };
  const sizes = Array.from({ length: 40 }, (_, index) => [1, 2, 1, 4, 1, 3, 1, 2][index % 8] ?? 1);
  const runs: { rig: Rig; id: string }[] = [];
  const prey = await a.program();
  const victim = await a.submit(repos.get(a) as Repository, '--gpus', '1', '--', ...prey.command);
  await prey.started();
  for (const [index, gpus] of sizes.entries()) {
    const rig = rigs[index % 2] ?? a;
    runs.push({ rig, id: await submit(rig, gpus) });
    if (index === 10) {
      // The supervisor: its run goes on as an orphan that holds its device.
      const pid = Number((await a.runFile(victim, 'claim.1')).split(' ')[0]);
      process.kill(pid, 'SIGKILL');
    }
    if (index === 20) await b.killDaemon().then(() => b.startDaemon());
    if (index === 30) {
      const pid = Number((await a.runFile(victim, 'meta', 'pid')).split(' ')[0]);
      if (lives(pid)) process.kill(pid, 'SIGKILL');
      await untilGone(pid);
    }
  }
  for (const { rig, id } of runs) expect(await rig.ended(id)).toMatchObject({ status: 'succeeded' });
  expect((await a.ended(victim)).reason).toBe('lost');
  expect(await readdir(marks)).toEqual(['never']);
  for (const rig of rigs) await rig.supervisorsGone();
  expect(processesWith(`MARKS=${marks}`)).toEqual([]);
  await expect.poll(() => left(box)).toEqual([]);
});

test('a freed device starts the next run of another daemon at once', async () => {
  await using a = await Rig.start({ daemon: false });
  await using b = await Rig.start({ daemon: false });
  const box = await makeBox(a, 1);
  for (const rig of [a, b]) {
    await writeFile(rig.paths.config, `slots: 1\ngrace: 500ms\nbox: ${box}\n`, { mode: 0o600 });
    await rig.startDaemon();
  }
  const [repoA, repoB] = [await a.repo(), await b.repo()];
  const program = await a.program();
  const delays: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    await a.submit(repoA, '--gpus', '1', '--', ...program.command);
    const { runId } = await program.started();
    const next = await b.submit(repoB, '--gpus', '1', '--', 'true');
    await b.until('run.claimed', next);
    await expect.poll(async () => (await b.client.get(next)).message).toContain('first in line');
    await program.exit(0);
    await Promise.all([a.ended(runId), b.ended(next)]);
    const freed = Date.parse((await a.runFile(runId, 'meta', 'finished_at')).trim());
    delays.push(Date.parse((await b.runFile(next, 'meta', 'started_at')).trim()) - freed);
  }
  console.info(`from the end of a run to the start of the next: ${delays.join(', ')} ms`);
  expect(Math.min(...delays)).toBeLessThan(300);
  expect(await readFile(join(box, 'box.yaml'), 'utf8')).toContain('fake');
});
