// Accounts that exist for one test, and the kernel's protection of files in sticky folders while they do. Only root can
// make any. Several test files may do so at once.
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const isRoot = process.getuid?.() === 0;
const PROTECTED = '/proc/sys/fs/protected_regular';
/** Locked while the list of accounts is changed: useradd gives up at once when another one is at it. */
const ACCOUNTS_LOCK = '/etc/login.defs';

/** Stock Debian and Ubuntu have 2. The last of those who want it puts back what the first one found. */
export function protectRegularFiles(): Disposable {
  const path = join(tmpdir(), 'qwex-test-protected-regular');
  const fd = openSync(path, 'a+', 0o600);
  if (isLocked(fd, '--exclusive', '--nonblock')) writeFileSync(path, readFileSync(PROTECTED, 'utf8'));
  isLocked(fd, '--shared');
  writeFileSync(PROTECTED, '2');
  const putBack = (): void => {
    if (isLocked(fd, '--exclusive', '--nonblock')) writeFileSync(PROTECTED, readFileSync(path, 'utf8'));
    closeSync(fd);
  };
  return { [Symbol.dispose]: putBack };
}

/** The lock belongs to the open file, so it is ours when `flock` has exited. */
function isLocked(fd: number, ...how: string[]): boolean {
  return spawnSync('flock', [...how, '3'], { stdio: ['ignore', 'ignore', 'inherit', fd] }).status === 0;
}

export class Account implements Disposable {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;

  constructor(letter: string) {
    this.name = `qwex${process.pid}${letter}`;
    changeAccounts('useradd', '--no-create-home', '--shell', '/bin/bash', this.name);
    this.uid = Number(execFileSync('id', ['-u', this.name], { encoding: 'utf8' }));
    this.gid = Number(execFileSync('id', ['-g', this.name], { encoding: 'utf8' }));
  }

  command(program: string, args: readonly string[]): [string, string[]] {
    const ids = [`--reuid=${this.uid}`, `--regid=${this.gid}`, '--init-groups'];
    return ['setpriv', [...ids, program, ...args]];
  }

  /** What a shell of this account makes of a line: its exit code and what it said. */
  shell(line: string): { code: number | null; said: string } {
    const { status, stdout, stderr } = spawnSync(...this.command('bash', ['-c', line]), { encoding: 'utf8' });
    return { code: status, said: `${stdout}${stderr}` };
  }

  [Symbol.dispose](): void {
    changeAccounts('userdel', this.name);
  }
}

function changeAccounts(...command: string[]): void {
  // Where these programs are, and where a shell of `su` doesn't look.
  const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  execFileSync('flock', [ACCOUNTS_LOCK, ...command], { env: { ...process.env, PATH } });
}
