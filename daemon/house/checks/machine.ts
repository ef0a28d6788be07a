// What this machine has to have: programs, watches, and that a logout ends nothing.
import { existsSync, watch } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { isErrno, messageOf } from '../../../shared/errors.ts';
import type { Check } from '../../../shared/schemas/local.ts';
import { fault, ok, warning } from './check.ts';

const PATIENCE_MS = 10_000;
const LEAST_GIT: readonly [number, number] = [2, 34];
const INOTIFY = '/proc/sys/fs/inotify';
/** Of the watches that the kernel grants a user. */
const NEARLY_ALL = 0.9;

export function machineChecks(home: string): Promise<Check>[] {
  return [
    Promise.resolve(ok('runtime', `Node ${process.version} on ${process.platform}-${process.arch}`)),
    git(),
    program('bash', 'install bash'),
    program('flock', 'install util-linux'),
    program('setsid', 'install util-linux'),
    program('mkfifo', 'install coreutils'),
    watches(home),
    logout(),
  ];
}

async function git(): Promise<Check> {
  const found = await program('git', `install git ${LEAST_GIT.join('.')} or newer`);
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(found.message) ?? [];
  const isOld =
    Number(major) < LEAST_GIT[0] || (Number(major) === LEAST_GIT[0] && Number(minor) < LEAST_GIT[1]);
  if (found.state !== 'ok' || !isOld) return found;
  return fault('git', `${found.message} is too old`, `install git ${LEAST_GIT.join('.')} or newer`);
}

async function program(name: string, hint: string): Promise<Check> {
  try {
    const { stdout } = await execa(name, ['--version'], { timeout: PATIENCE_MS, stdin: 'ignore' });
    return ok(name, stdout.split('\n')[0] ?? name);
  } catch (error) {
    return fault(name, `cannot run ${name}: ${messageOf(error).split('\n')[0]}`, hint);
  }
}

/** Without them everything works all the same, by looking again and again. */
export async function watches(folder: string, watchPath: typeof watch = watch): Promise<Check> {
  const name = 'inotify';
  const limits = await inotifyLimits();
  const hint = `more for everybody, as root: sysctl fs.inotify.max_user_instances=${2 * limits.instances} fs.inotify.max_user_watches=${2 * limits.watches}`;
  try {
    watchPath(folder, { persistent: false }).close();
  } catch (error) {
    if (!isErrno(error, 'EMFILE', 'ENOSPC', 'ENOMEM')) throw error;
    return warning(
      name,
      `the kernel grants no more watches (${error.code}): logs are followed and ends noticed by looking now and then`,
      hint,
    );
  }
  const used = await instancesInUse();
  const text = `${used} of ${limits.instances} instances in use`;
  return used < NEARLY_ALL * limits.instances
    ? ok(name, text)
    : warning(name, `only few are left: ${text}`, hint);
}

async function inotifyLimits(): Promise<{ instances: number; watches: number }> {
  const limit = async (file: string) => Number(await readFile(join(INOTIFY, file), 'utf8'));
  return { instances: await limit('max_user_instances'), watches: await limit('max_user_watches') };
}

/** Of this user, in this namespace. A process that ends meanwhile, or isn't ours, has none that count. */
async function instancesInUse(): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const counts = await Promise.all(pids.map((pid) => instancesOf(join('/proc', pid, 'fd'))));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function instancesOf(folder: string): Promise<number> {
  try {
    const links = await Promise.all((await readdir(folder)).map((fd) => linkOf(join(folder, fd))));
    return links.filter((link) => link === 'anon_inode:inotify').length;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return 0;
    throw error;
  }
}

async function linkOf(path: string): Promise<string> {
  try {
    return await readlink(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return '';
    throw error;
  }
}

/** Where systemd ends what a user leaves behind at logout, the queue's processes are among it. */
async function logout(): Promise<Check> {
  if (!existsSync('/run/systemd/system')) return logoutCheck({ linger: null, kills: null });
  const property = async (name: string, ...of: string[]) => {
    const { stdout } = await execa('loginctl', ['show-user', ...of, `--property=${name}`, '--value'], {
      ...{ timeout: PATIENCE_MS, stdin: 'ignore', reject: false },
    });
    return stdout === 'yes' ? true : stdout === 'no' ? false : null;
  };
  return logoutCheck({
    linger: await property('Linger', String(process.getuid?.())),
    // Without a user it is the manager that is asked.
    kills: await property('KillUserProcesses'),
  });
}

/** Null: nobody could tell. */
export function logoutCheck({ linger, kills }: { linger: boolean | null; kills: boolean | null }): Check {
  const name = 'logout';
  if (linger) return ok(name, 'runs go on after logout (linger is on)');
  if (kills === false) return ok(name, 'runs go on after logout (KillUserProcesses is off)');
  if (linger === null && kills === null)
    return ok(name, 'no systemd session here that could end runs at logout');
  return warning(
    name,
    kills ? 'a logout ends your runs (KillUserProcesses is on)' : 'a logout may end your runs',
    'loginctl enable-linger, then: qwex daemon install',
  );
}
