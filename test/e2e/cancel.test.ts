// Ending runs: on purpose, by their time limit, and whatever they left running.
import { expect, test } from 'vitest';
import { lives, untilGone } from '../rig/processes.ts';
import { Rig } from '../rig/rig.ts';

test('a pending run never starts', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const mark = rig.path('started');
  const id = await rig.submit(repo, '--hold', '--', 'touch', mark);
  expect(await rig.ok(['cancel', id])).toContain('cancelled');
  expect(await rig.ended(id)).toMatchObject({ status: 'cancelled', reason: 'cancelled', exitCode: null });
  expect((await rig.qwex(['wait', id])).code).toBe(130);
  expect((await rig.shell(`ls ${mark}`)).code).toBe(2);
  // What has ended stays as it is.
  const again = await rig.qwex(['cancel', id]);
  expect(again.code).toBe(5);
  expect(again.stderr).toContain('already ended');
});

test('a running one gets TERM, may tidy up, and its own code is kept', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  await program.started();
  await program.tell('trap "echo tidied; exit 42" TERM');
  const watch = rig.begin(['watch', id]);
  await rig.ok(['cancel', id]);
  expect(await rig.ended(id)).toMatchObject({ status: 'cancelled', reason: 'cancelled', exitCode: 42 });
  expect(await rig.runFile(id, 'logs', 'stdout.log')).toBe('tidied\n');
  expect((await watch.ended).code).toBe(130);
});

test('a program that ignores TERM is killed after the grace time', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  await rig.ok(['config', 'set', 'grace', '200ms']);
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  const { pid } = await program.started();
  await program.tell('trap "" TERM INT HUP; (trap "" TERM; sleep 1000) &');
  await rig.ok(['cancel', id]);
  expect(await rig.ended(id)).toMatchObject({ status: 'cancelled', exitCode: 137 });
  expect(lives(pid)).toBe(false);
});

test('a daemon that a program leaves behind is ended with it, and named', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  await program.started();
  // Its own session, its parent gone: only its environment tells whose it is.
  await program.tell('setsid --fork sleep 1000 </dev/null >/dev/null 2>&1');
  await program.tell('(trap "" TERM; exec -a stubborn sleep 1001) & disown');
  await program.exit(0);
  const run = await rig.ended(id);
  expect(run).toMatchObject({ status: 'succeeded', exitCode: 0 });
  expect(run.notes.join()).toMatch(/left processes behind, which were ended: .*sleep \(pid \d+\)/);
  expect(run.notes.join()).toContain('qwex detach');
  for (const [, pid] of run.notes.join().matchAll(/pid (\d+)/g)) expect(lives(Number(pid))).toBe(false);
  expect((await rig.qwex(['watch', id])).stderr).toContain('left processes behind');
});

test('qwex detach starts a program that stays', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  await program.started();
  const file = rig.path('pid');
  await program.tell(`qwex detach -- sh -c 'echo $$ >${file}.new; mv ${file}.new ${file}; exec sleep 1000'`);
  await program.tell(`until [ -e ${file} ]; do :; done`);
  const pid = Number(await program.ask(`cat ${file}`));
  await program.exit(0);
  expect(await rig.ended(id)).toMatchObject({ status: 'succeeded', notes: [] });
  await rig.supervisorsGone();
  expect(lives(pid)).toBe(true);
  process.kill(pid, 'SIGKILL');
  await untilGone(pid);
});

test('a time limit ends a run and all of its processes', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const { code, stderr } = await rig.qwex(['run', '-f', '--time', '300ms', '--', ...program.command], {
    cwd: repo.root,
  });
  expect(code).toBe(143);
  expect(stderr).toContain('time limit');
  expect(await rig.client.get('@')).toMatchObject({
    status: 'failed',
    reason: 'timeout',
    exitCode: 143,
    message: 'over its time limit of 300ms',
  });
});

test('a time limit holds while no daemon is there', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--time', '1s', '--', ...program.command);
  const { pid } = await program.started();
  await rig.killDaemon();
  await untilGone(pid);
  // Its supervisor starts the daemon that the event comes from.
  expect(await rig.ended(id)).toMatchObject({ status: 'failed', reason: 'timeout' });
});

test('a time without a unit is refused', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const { code, stderr } = await rig.qwex(['run', '--time', '30', '--', 'true'], { cwd: repo.root });
  expect(code).toBe(2);
  expect(stderr).toMatch(/30m/);
});

test('several at once: each is tried, and the first failure is the exit code', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const ended = await rig.submit(repo, '--', 'true');
  await rig.ended(ended);
  const held = await rig.submit(repo, '--hold', '--name', 'held', '--', 'true');
  const { code, stdout, stderr } = await rig.qwex(['cancel', 'nobody', ended, 'held']);
  expect(code).toBe(3);
  expect(stdout).toContain('cancelled');
  expect(stderr).toContain('nobody');
  expect((await rig.client.get(held)).status).toBe('cancelled');
  const json = await rig.qwex(['cancel', '--json', 'nobody', ended]);
  expect(JSON.parse(json.stdout).data).toMatchObject([
    { id: 'nobody', run: null, error: { code: 'not_found' } },
    { id: ended, run: null, error: { code: 'conflict' } },
  ]);
});

test('a cancel that comes while the daemon is away is found by the next one', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  await program.started();
  await rig.killDaemon();
  // The command line starts a daemon, which has to find the run first.
  expect(await rig.ok(['cancel', id])).toContain('told to end');
  expect(await rig.ended(id)).toMatchObject({ status: 'cancelled', exitCode: 143 });
});
