// Command line and daemon of different versions: they talk, or say exactly what to do. The other version is a copy of
// this one that says another number.
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DaemonStatus } from '../../shared/schemas/local.ts';
import { VERSION } from '../../shared/version.ts';
import { packageFolder } from '../rig/command.ts';
import { Rig } from '../rig/rig.ts';

const NEWER = '99.0.0';

/** Puts a package that calls itself NEWER somewhere else on this machine; answers its command. */
async function newerPackage(rig: Rig): Promise<string> {
  const folder = rig.path('newer');
  await mkdir(folder);
  for (const name of ['cli/qwex', 'daemon/launch.sh', 'daemon/supervisor', 'templates', 'dist'])
    await cp(join(packageFolder, name), join(folder, name), { recursive: true });
  await symlink(join(packageFolder, 'node_modules'), join(folder, 'node_modules'));
  let changed = 0;
  for (const name of await readdir(join(folder, 'dist'), { recursive: true })) {
    if (!/\.(mjs|cjs|js)$/.test(name)) continue;
    const file = join(folder, 'dist', name);
    const text = await readFile(file, 'utf8');
    const other = text.replaceAll(`"${VERSION}"`, `"${NEWER}"`).replaceAll(`'${VERSION}'`, `'${NEWER}'`);
    if (other !== text) changed += 1;
    await writeFile(file, other);
  }
  expect(changed).toBeGreaterThan(1);
  return join(folder, 'cli', 'qwex');
}

const told = (stderr: string) => stderr.match(/^warning: the daemon is qwex/gm)?.length ?? 0;

test('a newer command with an older daemon talks to it, says what to do once, and does it', async () => {
  await using rig = await Rig.start();
  const newer = await newerPackage(rig);
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, ...program.command);
  await program.started();
  const listed = await rig.shell(`${newer} list --json`, { cwd: repo.root });
  expect(JSON.parse(listed.stdout).data).toMatchObject([{ id, status: 'running' }]);
  expect(listed.stderr).toBe(
    `warning: the daemon is qwex ${VERSION}, this command is qwex ${NEWER}\nhint: qwex daemon restart; runs go on meanwhile\n`,
  );
  const submitted = await rig.shell(`${newer} run true && ${newer} status @`, { cwd: repo.root });
  expect(submitted.code).toBe(0);
  expect(told(submitted.stderr)).toBe(2);
  expect((await rig.shell(`${newer} doctor`)).stdout).toMatch(
    /warning +daemon: .*\n +hint: qwex daemon restart/,
  );

  const restarted = await rig.shell(`${newer} daemon restart`);
  expect(restarted.stdout).toContain(`qwex ${NEWER}`);
  expect(await rig.daemon()).toMatchObject({ version: NEWER, counts: { running: 1, pending: 1 } });
  expect((await rig.shell(`${newer} list`)).stderr).toBe('');
  await program.exit(3);
  expect(await rig.client.wait(id)).toMatchObject({ status: 'failed', exitCode: 3, attempt: 1 });
});

test('an older command with a newer daemon talks to it, and leaves it in its place', async () => {
  await using rig = await Rig.start({ daemon: false });
  const newer = await newerPackage(rig);
  const repo = await rig.repo();
  expect((await rig.shell(`${newer} daemon start`)).code).toBe(0);
  const { code, stdout, stderr } = await rig.qwex(['run', 'true'], { cwd: repo.root });
  expect(code).toBe(0);
  expect(await rig.client.wait(stdout.trim())).toMatchObject({ status: 'succeeded' });
  expect(stderr).toContain(`hint: use qwex ${NEWER} here, too`);
  expect(told(stderr)).toBe(1);
  await rig.ok(['daemon', 'restart']);
  expect(await rig.json<DaemonStatus>(['pause'])).toMatchObject({ version: NEWER });
});
