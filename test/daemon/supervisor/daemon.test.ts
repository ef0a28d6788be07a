import { chmod, readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type ProcessIdentity, readIdentity } from '../../../daemon/supervisor/index.ts';
import { fileNames, Rig, untilFile } from './rig.ts';

/** A stand-in for `qwex daemon start` that writes down how it was started, and waits in nobody's way. */
async function fakeDaemon(rig: Rig): Promise<string[]> {
  const program = rig.path('daemon.sh');
  const out = rig.path('work');
  await writeFile(
    program,
    `#!/bin/bash
ls -l /proc/$$/fd >${out}/fds
tr '\\0' '\\n' </proc/$$/environ >${out}/environ
cut -d' ' -f5,6 /proc/$$/stat >${out}/group; echo $$ >>${out}/group
printf '%s\\n' "$@" >${out}/arguments
grep SigIgn /proc/self/status >${out}/signals
echo >${out}/done
`,
  );
  await chmod(program, 0o700);
  return [program, 'daemon', 'start it'];
}

test('starts a daemon at the end when none holds the lock, with nothing of the run', async () => {
  await using rig = await Rig.open();
  await writeFile(rig.path('daemon.lock'), '');
  const run = await rig.run('exec 7</dev/null; exit 3', {
    startDaemon: await fakeDaemon(rig),
    daemonEnvironment: { QWEX_BOX: '/the/lab box', PATH: '/opt/smi:/usr/bin:/bin', TZ: 'Europe/Berlin' },
    devices: await rig.devices('gpu'),
  });
  expect(await run.complete()).toMatchObject({ exitCode: 3 });
  const text = (name: string) => readFile(rig.path('work', name), 'utf8');
  await untilFile(rig.path('work', 'done'));
  expect(await text('arguments')).toBe('daemon\nstart it\n');
  const fds = [...(await text('fds')).matchAll(/(\d+) -> (.*)$/gm)].map(([, fd, path]) => `${fd} ${path}`);
  expect(fds.sort()).toEqual(['0 /dev/null', '1 /dev/null', '2 /dev/null', `255 ${rig.path('daemon.sh')}`]);
  const environment = new Map(
    (await text('environ'))
      .trim()
      .split('\n')
      .map((entry) => entry.split('=') as [string, string]),
  );
  expect([...environment.keys()].sort()).toEqual(['HOME', 'PATH', 'QWEX_BOX', 'QWEX_HOME', 'TZ']);
  // Or it would take part in another box than the daemon before it, and find no driver.
  expect(environment.get('QWEX_BOX')).toBe('/the/lab box');
  expect(environment.get('PATH')).toBe('/opt/smi:/usr/bin:/bin');
  const [group, session, pid] = (await text('group')).trim().split(/\s+/);
  expect(session).toBe(group);
  expect(pid).toBe(group);
  expect(await text('signals')).toMatch(/0000000000000000\n$/);
});

/** As a daemon writes itself into its lock file. */
async function nameHolder(rig: Rig, { pid, startTime, bootId }: ProcessIdentity): Promise<void> {
  await writeFile(rig.path('daemon.lock'), `${pid} ${startTime} ${bootId}\n`);
}

test('starts none while the daemon that the lock file names lives', async () => {
  await using rig = await Rig.open();
  const own = await readIdentity(process.pid);
  if (own === undefined) throw new Error('who am I');
  await nameHolder(rig, own);
  const run = await rig.run('true', { startDaemon: await fakeDaemon(rig) });
  expect(await run.complete()).toMatchObject({ exitCode: 0 });
  await run.gone();
  expect(await fileNames(rig.path('work'))).toEqual([]);
  await nameHolder(rig, { ...own, startTime: '1' });
  const next = await rig.run('true', { startDaemon: await fakeDaemon(rig) });
  await next.complete();
  await untilFile(rig.path('work', 'done'));
});
