// Files that somebody or something has damaged: found, set aside, made anew from what is still whole.
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Rig } from '../rig/rig.ts';
import { cannotMount, SmallDisk } from './small-disk.ts';

type Damage = (database: string) => Promise<void>;

const DAMAGES: Record<string, Damage> = {
  'cut short': (file) => truncate(file, 5000),
  'nothing but zeros': async (file) => writeFile(file, Buffer.alloc((await readFile(file)).length)),
  garbage: (file) => writeFile(file, Buffer.alloc(20_000, 'garbage ')),
  'zeros in the middle': async (file) => {
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(0, 4096, bytes.length - 4096));
  },
};

async function withoutWal(rig: Rig): Promise<void> {
  for (const suffix of ['-wal', '-shm']) await rm(`${rig.paths.database}${suffix}`, { force: true });
}

test.each(Object.entries(DAMAGES))(
  'a database that is %s is set aside and rebuilt; what ran goes on',
  async (_, damage) => {
    await using rig = await Rig.start();
    rig.expectLogged(/the database was damaged/);
    const repo = await rig.repo();
    const program = await rig.program();
    const done = await rig.submit(repo, 'sh', '-c', 'echo done; exit 3');
    await rig.client.wait(done);
    const running = await rig.submit(repo, ...program.command);
    await program.started();
    const waiting = await rig.submit(repo, 'echo', 'waited');
    await rig.ok(['daemon', 'stop']);
    await withoutWal(rig);
    await damage(rig.paths.database);
    const damaged = await readFile(rig.paths.database);

    await rig.startDaemon();
    const [aside = ''] = (await readdir(rig.home)).filter((name) => /^qwex\.db\.damaged-\d+$/.test(name));
    expect((await readFile(join(rig.home, aside))).equals(damaged)).toBe(true);
    expect(await rig.client.get(done)).toMatchObject({ status: 'failed', exitCode: 3, reason: 'exit' });
    await program.exit(5);
    expect(await rig.client.wait(running)).toMatchObject({ status: 'failed', exitCode: 5, reason: 'exit' });
    expect(await rig.client.wait(waiting)).toMatchObject({ status: 'succeeded', exitCode: 0 });
  },
);

test('a run folder full of garbage is left out of a rebuilt index, named, and left as it is', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const good = await rig.submit(repo, 'true');
  const bad = await rig.submit(repo, 'true');
  const { directory } = await rig.client.wait(bad);
  await rig.client.wait(good);
  await rig.ok(['daemon', 'stop']);
  await writeFile(join(directory, 'run.json'), '{"format": 1, "id": ');
  for (const suffix of ['', '-wal', '-shm']) await rm(`${rig.paths.database}${suffix}`, { force: true });
  await rig.startDaemon();
  expect((await rig.client.list()).runs.map(({ id }) => id)).toEqual([good]);
  expect(await readFile(rig.paths.log, 'utf8')).toContain(directory);
  expect(await readFile(join(directory, 'run.json'), 'utf8')).toBe('{"format": 1, "id": ');
});

test('garbage beside the facts of a running run harms neither it nor another', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, ...program.command);
  await program.started();
  const { directory } = await rig.client.get(id);
  await writeFile(join(directory, 'meta', 'left_behind'), Buffer.from([0, 255, 254, 10, 10]));
  await writeFile(join(rig.paths.ended, 'not-a-run'), 'garbage');
  await rig.killDaemon();
  await rig.startDaemon();
  await program.exit(0);
  expect(await rig.client.wait(id)).toMatchObject({ status: 'succeeded' });
  expect(await rig.client.wait(await rig.submit(repo, 'true'))).toMatchObject({ status: 'succeeded' });
  await rm(join(rig.paths.ended, 'not-a-run'), { force: true });
});

test.skipIf(await cannotMount())('a home that can only be read is refused with a sentence', async () => {
  await using disk = await SmallDisk.mount(60);
  await using rig = await Rig.start({ daemon: false });
  await disk.carryHome(rig, 'slots: 1\ngrace: 500ms\n');
  const repo = await rig.repo();
  await disk.allowWrites(false);
  const { code, stdout, stderr } = await rig.qwex(['run', 'true'], { cwd: repo.root });
  expect({ code, stdout }).toEqual({ code: 69, stdout: '' });
  expect(stderr).toMatch(/did not start: .*read-only/i);
  expect(stderr).not.toMatch(/^\s+at /m);
  await disk.allowWrites(true);
  expect(await rig.client.wait(await rig.submit(repo, 'true'))).toMatchObject({ status: 'succeeded' });
});
