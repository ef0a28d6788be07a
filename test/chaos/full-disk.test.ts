// A disk that is full at the worst moments. What was acknowledged is done all the same, as soon as there is room.
import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DiskGuard } from '../../daemon/disk-guard.ts';
import { untilGone } from '../rig/processes.ts';
import { Rig } from '../rig/rig.ts';
import { cannotMount, SmallDisk } from './small-disk.ts';

const onSmallDisk = test.skipIf(await cannotMount());
const MIB = 1024 * 1024;
const CONFIG = 'slots: 1\ngrace: 500ms\n';

async function rigOn(disk: SmallDisk, config = CONFIG): Promise<Rig> {
  const rig = await Rig.start({ daemon: false });
  // Whatever finds no room may say so; what it was about is done again when there is some.
  rig.expectLogged(/ENOSPC/);
  await disk.carryHome(rig, config);
  await rig.startDaemon();
  return rig;
}

onSmallDisk(
  'full at submit: refused with a sentence, nothing queued, and taken again when there is room',
  async () => {
    await using disk = await SmallDisk.mount(100);
    await using rig = await rigOn(disk);
    const repo = await rig.repo();
    await disk.fill(MIB);
    const refused = await rig.qwex(['run', 'true'], { cwd: repo.root });
    expect(refused).toMatchObject({ code: 70, stdout: '' });
    expect(refused.stderr).toMatch(/disk of .* is full.*make room/s);
    expect((await rig.client.list()).runs).toEqual([]);
    await disk.clear();
    expect(await rig.ended(await rig.submit(repo, 'true'))).toMatchObject({ status: 'succeeded' });
  },
);

onSmallDisk(
  'full at prepare: the run goes back into the queue and starts by itself when there is room',
  async () => {
    await using disk = await SmallDisk.mount(100);
    await using rig = await rigOn(disk);
    const repo = await rig.repo({ 'large.bin': randomBytes(8 * MIB) }); // git writes zeros as a hole
    await rig.ok(['pause']);
    const id = await rig.submit(repo, 'wc', '-c', 'large.bin');
    await disk.fill(4 * MIB);
    await rig.ok(['resume']);
    await rig.until('run.requeued', id);
    expect(await rig.client.get(id)).toMatchObject({
      phase: 'queued',
      message: expect.stringMatching(/is full/),
    });
    await disk.clear();
    expect(await rig.ended(id)).toMatchObject({ status: 'succeeded', attempt: 2 });
    expect(await rig.runFile(id, 'logs', 'stdout.log')).toBe(`${8 * MIB} large.bin\n`);
  },
);

onSmallDisk.each(['lives on', 'is killed'])(
  'not a byte of room while runs end and others wait, and the daemon %s: all go on when there is room',
  async (fate) => {
    await using disk = await SmallDisk.mount(100);
    await using rig = await rigOn(disk);
    const repo = await rig.repo();
    const program = await rig.program();
    const first = await rig.submit(repo, ...program.command);
    const second = await rig.submit(repo, 'echo', 'second');
    const { pid } = await program.started();
    const daemon = await rig.daemon();
    await disk.fill();
    await program.exit(3);
    // The command is over and nobody can write that down: its supervisor keeps trying.
    await untilGone(pid);
    expect((await rig.qwex(['run', 'true'], { cwd: repo.root })).code).toBe(70);
    if (fate === 'is killed') await rig.killDaemon();
    await disk.clear();
    if (fate === 'is killed') await rig.startDaemon();
    else expect((await rig.daemon()).pid).toBe(daemon.pid);
    expect(await rig.ended(first)).toMatchObject({ status: 'failed', reason: 'exit', exitCode: 3 });
    expect(await rig.ended(second)).toMatchObject({ status: 'succeeded' });
    expect(await rig.runFile(second, 'logs', 'stdout.log')).toBe('second\n');
  },
);

onSmallDisk(
  'full while logging: the program learns of it, its exit code is kept, the log is what fitted',
  async () => {
    await using disk = await SmallDisk.mount(100);
    await using rig = await rigOn(disk);
    const repo = await rig.repo();
    const program = await rig.program();
    const id = await rig.submit(repo, ...program.command);
    await program.started();
    await disk.fill(MIB);
    await program.tell('exec 7>&1');
    const said = await program.ask('yes 0123456789abcdef | head -c 4000000 >&7');
    expect(said).toMatch(/No space left on device/);
    await program.exit(7);
    await disk.clear();
    const run = await rig.ended(id);
    expect(run).toMatchObject({ status: 'failed', reason: 'exit', exitCode: 7 });
    const { size } = await stat(join(run.directory, 'logs', 'stdout.log'));
    expect(size).toBeLessThanOrEqual(2 * MIB);
  },
);

onSmallDisk('full while capturing: the run ends with all its artifacts when there is room', async () => {
  await using disk = await SmallDisk.mount(100);
  await using rig = await Rig.start({ daemon: false });
  // Spaces on another disk: what is kept has to be copied.
  await disk.carryHome(rig, `${CONFIG}spaces: ${rig.path('spaces')}\n`);
  await rig.startDaemon();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--watch', 'out', ...program.command);
  await program.started();
  await program.tell(
    'mkdir -p out && head -c 30000000 /dev/zero >out/model.bin && echo small >out/notes.txt',
  );
  await disk.fill(10 * MIB);
  await program.exit(0);
  await rig.until('run.exited', id);
  await disk.clear();
  const run = await rig.ended(id);
  expect(run).toMatchObject({ status: 'succeeded', artifactCount: 2 });
  expect((await stat(join(run.directory, 'files', 'out', 'model.bin'))).size).toBe(30_000_000);
  expect(await readFile(join(run.directory, 'files', 'out', 'notes.txt'), 'utf8')).toBe('small\n');
});

onSmallDisk('no inode left at submit: refused like one without room, and taken again', async () => {
  await using disk = await SmallDisk.mount(100, 800);
  await using rig = await rigOn(disk);
  const repo = await rig.repo();
  await disk.fillInodes();
  const refused = await rig.qwex(['run', 'true'], { cwd: repo.root });
  expect(refused).toMatchObject({ code: 70, stdout: '' });
  expect(refused.stderr).toMatch(/disk of .* is full.*make room/s);
  await disk.clear();
  expect(await rig.ended(await rig.submit(repo, 'true'))).toMatchObject({ status: 'succeeded' });
});

onSmallDisk('a full place for sockets and locks is told, and holds back starts', async () => {
  await using disk = await SmallDisk.mount(1, 300);
  let hasRoom = false;
  const guard = new DiskGuard([], () => {
    hasRoom = true;
  }, [disk.folder]);
  // A few kilobytes do for what has no content.
  expect(await guard.look()).toBe(false);
  await disk.fillInodes();
  expect(await guard.look()).toBe(true);
  expect(guard.problem).toBe(`the disk of ${disk.folder} is full: nothing starts until there is room`);
  await disk.clear();
  expect(await guard.look()).toBe(false);
  expect(hasRoom).toBe(true);
  guard.stop();
});
