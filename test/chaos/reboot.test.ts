// The machine goes down with everything on it and comes back: another boot id, no process left.
import { expect, test } from 'vitest';
import { shellLine } from '../rig/command.ts';
import { Rig } from '../rig/rig.ts';
import { identityOf, killIfSame, processesOf } from './prey.ts';

const NEXT_BOOT = '00000000-1111-4222-8333-444444444444';

/** As a power cut: every process of the home at once, whatever it is doing. */
function powerCut(rig: Rig): void {
  for (const pid of processesOf(rig)) killIfSame(pid, identityOf(pid));
}

test('after a reboot what ran is lost, what waited goes on, and nothing runs twice', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const ledger = rig.path('ledger');
  const program = await rig.program();
  const running = await rig.submit(repo, ...program.command);
  await program.started();
  const waiting = await rig.submit(repo, 'sh', '-c', `echo once >>${ledger}`);
  const dependent = await rig.submit(repo, '--after', running, 'true');
  powerCut(rig);
  await rig.ok(['daemon', 'start'], { env: { QWEX_TEST_BOOT_ID: NEXT_BOOT } });
  expect(await rig.ended(running)).toMatchObject({ status: 'failed', reason: 'lost', exitCode: null });
  expect(await rig.ended(waiting)).toMatchObject({ status: 'succeeded', attempt: 1 });
  expect(await rig.ended(dependent)).toMatchObject({ status: 'failed', reason: 'dependency' });
  expect(await rig.shell(`cat ${ledger}`)).toMatchObject({ stdout: 'once\n' });
});

test('a run that was being started when the machine went down is lost or starts once, never twice', async () => {
  await using rig = await Rig.start({ daemon: false });
  const repo = await rig.repo();
  const ledger = rig.path('ledger');
  await rig.ok(['daemon', 'start'], { env: { QWEX_TEST_FAULT: 'spawned' } });
  const program = await rig.program();
  const id = await rig.submit(repo, 'sh', '-c', `echo once >>${ledger}; exec ${shellLine(program.command)}`);
  await program.started();
  powerCut(rig);
  await rig.ok(['daemon', 'start'], { env: { QWEX_TEST_BOOT_ID: NEXT_BOOT } });
  expect(await rig.ended(id)).toMatchObject({ status: 'failed', reason: 'lost' });
  expect(await rig.shell(`cat ${ledger}`)).toMatchObject({ stdout: 'once\n' });
});
