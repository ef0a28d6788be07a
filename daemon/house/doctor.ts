// Looks at everything that runs depend on and says what is wrong, and what to do.

import { access, constants, stat, statfs } from 'node:fs/promises';
import { execa } from 'execa';
import { messageOf, QwexError } from '../../shared/errors.ts';
import type { HomePaths } from '../../shared/paths.ts';
import type { Check } from '../../shared/schemas/local.ts';
import { loadWorkspace } from '../config/index.ts';
import { preflight } from '../spaces/index.ts';
import type { Store } from '../store/store.ts';

export interface DoctorDeps {
  paths: HomePaths;
  store: Store;
  /** A fault that forbids new starts. */
  problem: () => string | null;
  /** Why no run gets devices, and what else people should know. */
  box: BoxState;
}

export interface BoxState {
  readonly problem: string | null;
  readonly notice: string | null;
  again(): Promise<void>;
}

const FOUND_AGAIN = 'when that is mended it is found without a restart; to see whether: qwex box';
const LOW_SPACE_BYTES = 1024 ** 3;

export async function examine(deps: DoctorDeps, cwd: string | undefined): Promise<Check[]> {
  const checks = await Promise.all([
    runtime(),
    program('git', ['--version'], 'install git 2.34 or newer'),
    program('bash', ['--version'], 'install bash'),
    program('flock', ['--version'], 'install util-linux'),
    program('setsid', ['--version'], 'install util-linux'),
    ...[...new Set([deps.paths.home, deps.paths.runs, deps.paths.spaces])].map(room),
    privacy(deps.paths.home),
    location(deps.paths),
    queue(deps),
    box(deps),
    linger(),
    ...(cwd === undefined ? [] : [workspace(cwd)]),
  ]);
  return checks;
}

async function runtime(): Promise<Check> {
  return {
    name: 'runtime',
    state: 'ok',
    message: `Node ${process.version} on ${process.platform}-${process.arch}`,
  };
}

async function program(name: string, args: string[], hint: string): Promise<Check> {
  try {
    const { stdout } = await execa(name, args, { timeout: 10_000, stdin: 'ignore' });
    return { name, state: 'ok', message: stdout.split('\n')[0] ?? name };
  } catch (error) {
    return { name, state: 'error', message: `cannot run ${name}: ${messageOf(error).split('\n')[0]}`, hint };
  }
}

async function room(folder: string): Promise<Check> {
  const name = `room in ${folder}`;
  try {
    const { bavail, bsize, ffree, files } = await statfs(folder);
    const free = bavail * bsize;
    const text = `${(free / 1024 ** 3).toFixed(1)} GB free`;
    if (files > 0 && ffree < 10_000)
      return { name, state: 'warning', message: `only ${ffree} inodes left`, hint: 'qwex gc' };
    if (free >= LOW_SPACE_BYTES) return { name, state: 'ok', message: text };
    return {
      name,
      state: 'warning',
      message: text,
      hint: 'qwex gc, or move the folders: qwex config set runs /big/disk/runs',
    };
  } catch (error) {
    return { name, state: 'warning', message: messageOf(error), hint: 'it is made when it is first needed' };
  }
}

async function privacy(home: string): Promise<Check> {
  const { mode, uid } = await stat(home);
  const isPrivate = (mode & 0o077) === 0 && uid === process.getuid?.();
  return isPrivate
    ? { name: 'privacy', state: 'ok', message: `${home} is yours alone` }
    : {
        name: 'privacy',
        state: 'error',
        message: `${home} is open to others (mode ${(mode & 0o777).toString(8)})`,
        hint: `chmod 700 ${home}`,
      };
}

async function location(paths: HomePaths): Promise<Check> {
  const name = 'home';
  const reasons = {
    network_home: `${paths.home} is on a network file system: socket, locks and fifos are in ${paths.local}, the database in ${paths.database}`,
    long_path: `the path of ${paths.home} is too long for a socket, which is in ${paths.local}`,
  };
  await access(paths.home, constants.W_OK);
  return { name, state: 'ok', message: paths.localReason === null ? paths.home : reasons[paths.localReason] };
}

async function queue({ store, problem }: DoctorDeps): Promise<Check> {
  const fault = problem();
  if (fault !== null) return { name: 'queue', state: 'error', message: fault };
  if (store.isPaused) return { name: 'queue', state: 'warning', message: 'paused', hint: 'qwex resume' };
  const { pending, running } = store.runs.countByStatus();
  return { name: 'queue', state: 'ok', message: `${running} running, ${pending} pending` };
}

async function box({ box: state }: DoctorDeps): Promise<Check> {
  await state.again();
  const name = 'box';
  const { problem, notice } = state;
  if (problem !== null) return { name, state: 'error', message: problem, hint: FOUND_AGAIN };
  if (notice !== null) return { name, state: 'warning', message: notice };
  return { name, state: 'ok', message: 'in use; more with: qwex box doctor' };
}

/** Without linger systemd may end a user's processes at logout, the queue's among them. */
async function linger(): Promise<Check> {
  const name = 'logout';
  try {
    await access('/run/systemd/system');
    const { stdout } = await execa(
      'loginctl',
      ['show-user', String(process.getuid?.()), '--property=Linger'],
      { timeout: 5000, stdin: 'ignore' },
    );
    if (stdout.trim() === 'Linger=yes')
      return { name, state: 'ok', message: 'runs go on after logout (linger is on)' };
    return {
      name,
      state: 'warning',
      message: 'a logout may end your runs, depending on KillUserProcesses',
      hint: 'loginctl enable-linger, then: qwex daemon install',
    };
  } catch {
    return { name, state: 'ok', message: 'no systemd session here that could end runs at logout' };
  }
}

async function workspace(cwd: string): Promise<Check> {
  const name = 'workspace';
  try {
    const git = await preflight(cwd);
    const { file, name: called } = await loadWorkspace(git.root);
    const state = git.dirty.length === 0 ? 'clean' : `${git.dirty.length} uncommitted changes`;
    return { name, state: 'ok', message: `${called} at ${git.root} (${file ?? 'no config'}; ${state})` };
  } catch (error) {
    if (!(error instanceof QwexError)) throw error;
    return {
      name,
      state: 'warning',
      message: error.message,
      ...(error.hint !== undefined && { hint: error.hint }),
    };
  }
}
