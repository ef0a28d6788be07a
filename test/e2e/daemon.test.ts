// The daemon's own life: one for a home, found by everybody, replaced without harm to what runs.

import { once } from 'node:events';
import { lstat, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { homePaths } from '../../shared/paths.ts';
import type { DaemonStatus } from '../../shared/schemas/local.ts';
import { lives, processesWith, untilGone } from '../rig/processes.ts';
import { Rig } from '../rig/rig.ts';

const daemonsOf = (rig: Rig) =>
  processesWith(`QWEX_HOME=${rig.home}`).filter(({ command }) => command.includes('daemon.mjs'));

test('any command starts it when none answers', async () => {
  await using rig = await Rig.start({ daemon: false });
  expect((await rig.qwex(['daemon', 'status'])).code).toBe(69);
  expect(await rig.qwex(['list'])).toMatchObject({ code: 0, stdout: '' });
  const answer = await rig.ok(['daemon', 'status', '--json']);
  const { data: status } = JSON.parse(answer) as { data: DaemonStatus };
  expect(status).toMatchObject({ home: rig.home, socket: rig.paths.socket, slots: 1, paused: false });
  expect(lives(status.pid)).toBe(true);
  expect((await lstat(rig.paths.socket)).mode & 0o777).toBe(0o600);
  expect(await rig.ok(['daemon', 'stop'])).toContain(String(status.pid));
  await untilGone(status.pid);
  expect((await rig.qwex(['daemon', 'stop'])).code).toBe(0);
});

test('many that start it at once get one, and all of them an answer', async () => {
  await using rig = await Rig.start({ daemon: false });
  const repo = await rig.repo();
  const commands = [
    ['daemon', 'start', '--json'],
    ['daemon', 'start', '--json'],
    ['daemon', 'start', '--json'],
    ['run', '--hold', '--json', '--', 'true'],
    ['run', '--hold', '--json', '--', 'true'],
  ];
  const answers = await Promise.all(commands.map((args) => rig.qwex(args, { cwd: repo.root })));
  for (const { code, stderr } of answers) expect(code, stderr).toBe(0);
  const started = answers.slice(0, 3).map(({ stdout }) => JSON.parse(stdout).data.pid);
  expect(new Set(started).size).toBe(1);
  expect((await rig.client.list()).runs).toHaveLength(2);
  const [first] = daemonsOf(rig);
  expect(first?.pid).toBe(started[0]);
});

test('a stale socket and a lock file nobody holds are no hindrance', async () => {
  await using rig = await Rig.start({ daemon: false });
  const server = createServer();
  server.listen(rig.paths.socket);
  await once(server, 'listening');
  // What a kill leaves: the file without its listener.
  const { code } = await rig.shell(`mv ${rig.paths.socket} ${rig.paths.socket}.kept`);
  expect(code).toBe(0);
  server.close();
  await once(server, 'close');
  await rig.shell(`mv ${rig.paths.socket}.kept ${rig.paths.socket}`);
  await writeFile(rig.paths.daemonLock, '999999\n', { mode: 0o600 });
  const probe = connect(rig.paths.socket);
  const [error] = await once(probe, 'error');
  expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  expect((await rig.qwex(['list'])).code).toBe(0);
});

test('a socket that is removed is made anew, by the same daemon, and who is connected stays so', async () => {
  await using rig = await Rig.start();
  const program = await rig.program();
  const id = await rig.submit(await rig.repo(), '--', ...program.command);
  await program.started();
  const watching = rig.begin(['watch', id]);
  await program.tell('echo before');
  await watching.stdout.until(/before/);
  const before = await rig.daemon();
  await rm(rig.paths.socket);
  expect(await rig.ok(['list'])).toContain('running');
  expect((await lstat(rig.paths.socket)).mode & 0o777).toBe(0o600);
  await program.tell('echo after');
  await watching.stdout.until(/after/);
  await rm(rig.paths.socket);
  expect(await rig.ok(['list'])).toContain('running');
  await program.exit(0);
  expect(await watching.ended).toMatchObject({ code: 0 });
  expect(await rig.daemon()).toMatchObject({ pid: before.pid });
});

test('a daemon whose home is removed ends, and leaves one that is made at its place alone', async () => {
  await using rig = await Rig.start();
  const { pid } = await rig.daemon();
  // Whatever the daemon has just written there goes too.
  await rm(rig.home, { recursive: true, maxRetries: 5 });
  await untilGone(pid);
  expect(await rig.ok(['list'])).toBe('');
  expect((await rig.daemon()).pid).not.toBe(pid);
});

test('who waits for a daemon that was stopped is told so, and gets the answer when it goes on', async () => {
  await using rig = await Rig.start();
  const { pid } = await rig.daemon();
  process.kill(pid, 'SIGSTOP');
  const asking = rig.begin(['list']);
  try {
    await asking.stderr.until(new RegExp(`pid ${pid}.*kill -CONT ${pid}`));
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  expect(await asking.ended).toMatchObject({ code: 0, stdout: '' });
});

test('a question to a daemon that dies before it has answered is asked again', async () => {
  await using rig = await Rig.start({ daemon: false });
  const dying = createServer((socket) => {
    dying.close();
    socket.once('data', () => socket.destroy());
  });
  dying.listen(rig.paths.socket);
  await once(dying, 'listening');
  expect(await rig.qwex(['list'])).toMatchObject({ code: 0, stdout: '' });
});

test('a restart leaves runs going, and takes them on', async () => {
  await using rig = await Rig.start({ slots: 2 });
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  const { pid } = await program.started();
  const before = await rig.daemon();
  expect(await rig.ok(['daemon', 'restart'])).toContain('restarted');
  const after = await rig.daemon();
  expect(after.pid).not.toBe(before.pid);
  expect(after.counts).toMatchObject({ running: 1 });
  expect(lives(pid)).toBe(true);
  const next = await rig.submit(repo, '--', 'true');
  expect((await rig.ended(next)).status).toBe('succeeded');
  await program.exit(5);
  expect(await rig.ended(id)).toMatchObject({ status: 'failed', exitCode: 5, attempt: 1 });
});

test('a restart gives the next daemon the variables of who asks, and a secret of theirs to nobody', async () => {
  await using rig = await Rig.start();
  const before = await rig.daemon();
  const asked = { QWEX_BOX: rig.path('box'), TZ: 'Pacific/Apia', WANDB_API_KEY: 'secret' };
  await rig.ok(['box', 'init', '--path', asked.QWEX_BOX, '--fake', '1']);
  await rig.ok(['daemon', 'restart'], { env: asked });
  const { pid } = await rig.daemon();
  expect(pid).not.toBe(before.pid);
  const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
  expect(variables).toEqual(expect.arrayContaining(['TZ=Pacific/Apia', `QWEX_HOME=${rig.home}`]));
  expect(variables.join('\n')).not.toContain('secret');
  const id = await rig.submit(await rig.repo(), '--gpus', '1', '--', 'sh', '-c', 'test -n "$QWEX_GPUS"');
  expect(await rig.ended(id)).toMatchObject({ status: 'succeeded' });
});

test('a run that ends while no daemon is there starts one, and the queue goes on', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  await program.started();
  const next = await rig.submit(repo, '--', 'sh', '-c', 'mkdir -p out; echo done >out/result');
  await rig.killDaemon();
  await program.tell('mkdir -p out; echo alone >out/result');
  await program.exit(0);
  // Nobody asks for a daemon here: the event stream waits for a socket.
  expect(await rig.ended(next)).toMatchObject({ status: 'succeeded', artifactCount: 1 });
  expect(await rig.ended(id)).toMatchObject({ status: 'succeeded', attempt: 1, artifactCount: 1 });
});

test('a kill of the daemon at any moment of a run loses nothing and runs nothing twice', async () => {
  await using rig = await Rig.start({ slots: 2 });
  const repo = await rig.repo();
  const ids: string[] = [];
  const marks = rig.path('marks');
  for (const moment of ['run.submitted', 'run.claimed', 'run.started', 'run.exited']) {
    const id = await rig.submit(
      repo,
      '--',
      'sh',
      '-c',
      `mkdir -p out; echo $QWEX_RUN_ID >>${marks}; cp ${marks} out/`,
    );
    ids.push(id);
    await rig.until(moment, id);
    await rig.killDaemon();
    await rig.ok(['list']);
  }
  for (const id of ids)
    expect(await rig.ended(id)).toMatchObject({ status: 'succeeded', exitCode: 0, artifactCount: 1 });
  const ran = (await readFile(marks, 'utf8')).trimEnd().split('\n');
  expect(ran.sort()).toEqual([...ids].sort());
});

test('a supervisor that is killed leaves a run that ends as lost, and never runs again', async () => {
  await using rig = await Rig.start();
  rig.expectLogged(/the supervisor is gone/);
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--retries', '3', '--', ...program.command);
  const { pid } = await program.started();
  const [supervisor] = processesWith(`SUP_RUN_ID=${id}`);
  process.kill(supervisor?.pid ?? 0, 'SIGKILL');
  await untilGone(supervisor?.pid ?? 0);
  await program.tell('echo still here');
  expect(lives(pid)).toBe(true);
  await program.exit(0);
  expect(await rig.ended(id)).toMatchObject({
    status: 'failed',
    reason: 'lost',
    exitCode: null,
    retriedBy: null,
  });
  expect((await rig.qwex(['wait', id])).code).toBe(70);
});

test('one that takes over and is killed too is followed by another: nothing of the run is left alone', async () => {
  // The second supervisor of this daemon is the one that takes over.
  await using rig = await Rig.start({ env: { QWEX_TEST_SUPERVISOR_FAULT: 'adopted:2' } });
  rig.expectLogged(/the supervisor is gone/);
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  await program.started();
  const [supervisor] = processesWith(`SUP_RUN_ID=${id}`);
  process.kill(supervisor?.pid ?? 0, 'SIGKILL');
  await untilGone(supervisor?.pid ?? 0);
  await program.exit(0);
  const { reason, directory } = await rig.ended(id);
  expect(reason).toBe('lost');
  // Written by the one that stayed to the end.
  expect(await readFile(join(directory, 'meta', 'exit_code'), 'utf8')).toBe('-\n');
});

test('a daemon started from inside a run inherits nothing of it and stays when it ends', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--env', 'PRIVATE=x', '--', ...program.command);
  await program.started();
  await rig.killDaemon();
  expect(await program.ask('qwex list >/dev/null; echo $?')).toBe('0');
  const { pid } = await rig.daemon();
  const environ = await readFile(`/proc/${pid}/environ`, 'utf8');
  expect(environ).not.toMatch(/QWEX_RUN|PRIVATE/);
  await program.exit(0);
  expect(await rig.ended(id)).toMatchObject({ status: 'succeeded', notes: [] });
  await rig.supervisorsGone();
  expect((await rig.daemon()).pid).toBe(pid);
});

test('a home whose path is too long for a socket works, and doctor says where the socket is', async () => {
  await using rig = await Rig.start({ homeName: `${'long'.repeat(30)}/home`, daemon: false });
  const repo = await rig.repo();
  const { socket, localReason } = homePaths(rig.home);
  expect(localReason).toBe('long_path');
  const id = await rig.submit(repo, '--', 'true');
  expect((await rig.ended(id)).status).toBe('succeeded');
  expect(await rig.ok(['doctor'], { cwd: repo.root })).toContain(join(socket, '..'));
  await rig.ok(['daemon', 'stop']);
  await rig.shell(`rm -r ${join(socket, '..')}`);
});

test('a damaged database is set aside, said, and not overwritten', async () => {
  await using rig = await Rig.start();
  rig.expectLogged(/database was damaged/);
  const repo = await rig.repo();
  await rig.ended(await rig.submit(repo, '--', 'true'));
  await rig.supervisorsGone();
  await rig.ok(['daemon', 'stop']);
  await rig.shell(`rm -f ${rig.paths.database}-*; printf 'not a database' >${rig.paths.database}`);
  expect((await rig.qwex(['list'])).code).toBe(0);
  const { stdout } = await rig.shell(`cat ${rig.home}/qwex.db.*`);
  expect(stdout).toContain('not a database');
});

test('its log is there to read, also when it is stopped', async () => {
  await using rig = await Rig.start();
  const follow = rig.begin(['daemon', 'logs', '-f']);
  await follow.stdout.until('serving');
  await rig.ok(['daemon', 'stop']);
  await follow.stdout.until('stopped');
  expect(await rig.ok(['daemon', 'logs', '-n', '1'])).toContain('stopped');
  const line = JSON.parse(await rig.ok(['daemon', 'logs', '--json', '-n', '1']));
  expect(line).toMatchObject({ level: 30, msg: 'stopped' });
  follow.kill('SIGINT');
  expect((await follow.ended).code).toBe(0);
});

test('install prints a unit that leaves runs alone', async () => {
  await using rig = await Rig.start({ daemon: false });
  const unit = await rig.ok(['daemon', 'install', '--print']);
  expect(unit).toContain('KillMode=process');
  expect(unit).toContain(`QWEX_HOME=${rig.home}`);
});

test('the process that starts git and supervisors is killed: what runs goes on, what comes next runs too', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  await program.started();
  const [starter] = processesWith(`QWEX_HOME=${rig.home}`).filter(({ command }) =>
    command.includes('starter'),
  );
  process.kill(starter?.pid ?? 0, 'SIGKILL');
  const next = await rig.submit(repo, '--', 'true');
  await program.exit(3);
  expect(await rig.client.wait(id)).toMatchObject({ status: 'failed', exitCode: 3, reason: 'exit' });
  expect(await rig.client.wait(next)).toMatchObject({ status: 'succeeded' });
});
