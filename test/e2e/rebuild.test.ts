// qwex doctor --rebuild: an index made anew, with nothing lost and nothing overwritten.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LOCAL_API } from '../../shared/api.ts';
import type { Rebuilt } from '../../shared/schemas/local.ts';
import { Rig } from '../rig/rig.ts';

test('it brings every run back while one runs and others wait, and the queue goes on', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const done = await rig.submit(repo, 'sh', '-c', 'echo kept; exit 3');
  await rig.client.wait(done);
  const running = await rig.submit(repo, ...program.command);
  await program.started();
  const waiting = await rig.submit(repo, 'echo', 'waited');
  await rig.ok(['pause']);
  const before = (await rig.client.list()).runs;

  const rebuilt = await rig.json<Rebuilt>(['doctor', '--rebuild']);
  expect(rebuilt).toMatchObject({ restored: 3, carriedOver: 0, refused: [], formerUnreadable: null });
  expect(rebuilt.setAside).toMatch(/qwex\.db\.replaced-\d+$/);
  expect((await readFile(rebuilt.setAside ?? '')).subarray(0, 15).toString()).toBe('SQLite format 3');
  expect((await rig.client.list()).runs).toEqual(before);
  expect(await rig.daemon()).toMatchObject({ paused: true });

  await program.exit(5);
  expect(await rig.client.wait(running)).toMatchObject({ status: 'failed', exitCode: 5, attempt: 1 });
  await rig.ok(['resume']);
  expect(await rig.client.wait(waiting)).toMatchObject({ status: 'succeeded', attempt: 1 });
  expect(await rig.ok(['logs', done])).toBe('kept');
  // Done once: the next daemon finds its index whole.
  await rig.ok(['daemon', 'restart']);
  expect((await readdir(rig.home)).filter((name) => name.includes('.replaced-'))).toHaveLength(1);
});

test('what a damaged folder can not tell comes from the former index, and the folder is mended', async () => {
  await using rig = await Rig.start({ daemon: false });
  const repo = await rig.repo();
  const program = await rig.program();
  const ended = await rig.submit(repo, 'true');
  const { directory } = await rig.client.wait(ended);
  const running = await rig.submit(repo, ...program.command);
  await program.started();
  const waiting = await rig.submit(repo, 'echo', 'waited');
  const { directory: waitingFolder } = await rig.client.get(waiting);
  const gone = await rig.submit(repo, '--hold', 'echo', 'gone');
  const { directory: goneFolder } = await rig.client.get(gone);
  const script = await readFile(join(waitingFolder, 'script.sh'), 'utf8');
  await rig.ok(['daemon', 'stop']);
  await writeFile(join(directory, 'run.json'), '{"format": 1, "id": ');
  await writeFile(join(waitingFolder, 'script.sh'), 'echo something else\n');
  await rm(goneFolder, { recursive: true });

  const { code, stdout } = await rig.qwex(['doctor', '--rebuild']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/rebuilt: 1 run from their folders\n +3 runs from the former index/);
  expect(stdout).toContain(`damaged  ${directory}: its run.json is not JSON`);
  expect((await rig.client.list()).runs.map(({ id }) => id)).toEqual([gone, waiting, running, ended]);
  const [aside = ''] = (await readdir(directory)).filter((name) => name.startsWith('run.json.damaged-'));
  expect(await readFile(join(directory, aside), 'utf8')).toBe('{"format": 1, "id": ');
  expect(JSON.parse(await readFile(join(directory, 'run.json'), 'utf8'))).toMatchObject({ id: ended });
  expect(await readFile(join(waitingFolder, 'script.sh'), 'utf8')).toBe(script);
  await program.exit(0);
  expect(await rig.client.wait(waiting)).toMatchObject({ status: 'succeeded', attempt: 1 });
  await rig.ok(['release', gone]);
  expect(await rig.client.wait(gone)).toMatchObject({ status: 'succeeded' });

  // All of them can be read now, without any former index.
  await rig.ok(['daemon', 'stop']);
  for (const suffix of ['', '-wal', '-shm']) await rm(`${rig.paths.database}${suffix}`, { force: true });
  expect(await rig.json<Rebuilt>(['doctor', '--rebuild'])).toMatchObject({
    ...{ setAside: null, restored: 4, carriedOver: 0, refused: [] },
  });
});

test('a key that was given before is known afterwards, and a run that its owner removed stays away', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const request = {
    ...{ cwd: repo.root, commands: [['true']], environment: {}, idempotencyKey: 'one' },
  };
  const [first] = (await rig.client.submitFrom(request)).runs;
  await rig.client.wait(first?.id ?? '');
  const removed = await rig.submit(repo, 'true');
  const { directory } = await rig.client.wait(removed);
  await rig.supervisorsGone();
  await rm(directory, { recursive: true });
  await rig.ok(['doctor', '--rebuild']);
  expect((await rig.client.submitFrom(request)).runs.map(({ id }) => id)).toEqual([first?.id]);
  expect((await rig.client.list()).runs.map(({ id }) => id)).toEqual([first?.id]);
});

test('a daemon that dies over it is followed by one that goes on with it', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const id = await rig.submit(repo, '--hold', 'true');
  await rig.ok(['daemon', 'stop']);
  // As the command leaves it when everything dies between the wish and its fulfilment.
  await writeFile(rig.paths.rebuildOrder, '1234\n');
  const died = await rig.qwex(['list'], { env: { QWEX_TEST_FAULT: 'index_renewed' } });
  expect(died.code).toBe(69);
  const former = await readFile(`${rig.paths.database}.replaced-1234`);
  await rig.startDaemon();
  expect(await rig.client.request<Rebuilt>(LOCAL_API.rebuilt)).toMatchObject({ carriedOver: 0 });
  expect((await rig.client.list()).runs.map((run) => run.id)).toEqual([id]);
  expect(await readFile(`${rig.paths.database}.replaced-1234`)).toEqual(former);
  await rig.ok(['release', id]);
  expect(await rig.client.wait(id)).toMatchObject({ status: 'succeeded' });
});
