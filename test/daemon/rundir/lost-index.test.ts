// A daemon that finds its database gone or damaged goes on with what the run folders know.
import { execFileSync } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { Run, RunPage } from '../../../shared/schemas/run.ts';
import { ApiRig } from '../api/rig.ts';

const SUFFIXES = ['', '-wal', '-shm'];

it.each([
  ['is gone', (file: string) => Promise.all(SUFFIXES.map((suffix) => rm(file + suffix, { force: true })))],
  ['is damaged', (file: string) => writeFile(file, 'not a database '.repeat(1000))],
])('a database that %s costs no run', async (how, damage) => {
  const rig = await ApiRig.start();
  const done = await rig.run('echo done');
  const failed = await rig.run('exit 4');
  const fifo = join(rig.folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  // Started, and inside its command: the fifo's other end opens only then.
  const running = await rig.submit({
    command: 'sh',
    args: ['-c', `echo begun > ${fifo}; read x < ${fifo}; exit 7`],
    hold: false,
  });
  expect(await readFile(fifo, 'utf8')).toBe('begun\n');
  const held = await rig.submit({ name: 'later', after: [running.id] });
  const ids = [held.id, running.id, failed.id, done.id];
  const { database } = rig.daemon.paths;
  await using later = await rig.restart(() => damage(database));

  const { runs } = await later.json<RunPage>('/api/v1/runs');
  expect(runs.map(({ id }) => id)).toEqual(ids);
  expect(runs.map(({ status, exitCode }) => [status, exitCode])).toEqual([
    ['pending', null],
    ['running', null],
    ['failed', 4],
    ['succeeded', 0],
  ]);
  expect(runs[0]).toMatchObject({
    held: true,
    name: 'later',
    after: [{ id: running.id, policy: 'success' }],
  });
  expect(await later.json(`/api/v1/runs/${done.id}/logs`)).toMatchObject({ stdout: 'done\n' });

  await writeFile(fifo, 'go\n');
  const ended = await later.json<Run>(`/api/v1/runs/${running.id}/wait?timeout=60`);
  expect(ended).toMatchObject({ status: 'failed', exitCode: 7, attempt: 1 });
  expect(await later.json(`/api/v1/runs/${held.id}`)).toMatchObject({
    status: 'failed',
    reason: 'dependency',
  });
  const setAside = (await readdir(later.daemon.paths.home)).filter((name) => name.includes('.damaged-'));
  expect(setAside.length).toBe(how === 'is damaged' ? 1 : 0);
});

it('a run that ended while there was neither daemon nor database has the code of its exit file', async () => {
  const rig = await ApiRig.start();
  const fifo = join(rig.folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const { id, directory } = await rig.submit({
    command: 'sh',
    args: ['-c', `echo begun > ${fifo}; read x < ${fifo}; exit 9`],
    hold: false,
  });
  expect(await readFile(fifo, 'utf8')).toBe('begun\n');
  const { database } = rig.daemon.paths;
  await using later = await rig.restart(async () => {
    await Promise.all(SUFFIXES.map((suffix) => rm(database + suffix, { force: true })));
    // As from a moment before its start: the record is behind what its own files say.
    const file = join(directory, 'run.json');
    const json = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(
      file,
      JSON.stringify({
        ...json,
        phase: 'queued',
        attempt: 0,
        bootId: null,
        claimedAt: null,
        startedAt: null,
      }),
    );
    await writeFile(fifo, 'go\n');
    const ended = join(rig.daemon.paths.ended, id);
    await appeared(ended);
  });
  const run = await later.json<Run>(`/api/v1/runs/${id}/wait?timeout=60`);
  expect(run).toMatchObject({ status: 'failed', exitCode: 9, attempt: 1 });
});

function appeared(file: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(dirname(file), (_, name) => look(name));
    const look = (name: string | null) => {
      if (name !== null && name !== basename(file)) return;
      if (!existsSync(file)) return;
      watcher.close();
      resolve();
    };
    look(null);
  });
}
