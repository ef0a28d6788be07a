// A git that its daemon didn't live to see the end of works on, in folders that the next daemon tidies up: what it writes
// after that would stay for ever. It isn't ended, as it may hold a lock in the user's repository: it is waited for.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const LOOK_MS = 20;
const STARTER = /\/starter(\.mjs|\/main\.ts)\0/;
const OUR_GIT = ['GIT_TERMINAL_PROMPT=0', 'GIT_OPTIONAL_LOCKS=0'];

/**
 * Resolves when no git of an earlier daemon of this home goes on, nor the starter that would start one; after `limitMs`
 * also if there is one: a checkout may take minutes. `own`: the starter of this daemon.
 */
export async function untilOrphansEnd(of: Daemonless & { limitMs: number }): Promise<void> {
  const deadline = Date.now() + of.limitMs;
  while (Date.now() < deadline && hasOrphans(of)) await wait(LOOK_MS);
}

interface Daemonless {
  home: string;
  own: number | undefined;
}

function hasOrphans({ home, own }: Daemonless): boolean {
  return readdirSync('/proc').some(
    (name) => /^\d+$/.test(name) && Number(name) !== own && isOrphan(name, home),
  );
}

/** By the variables that git-process.ts gives every git, and the name of the starter's script. */
function isOrphan(pid: string, home: string): boolean {
  const isGit = read(pid, 'comm') === 'git\n';
  if (!isGit && !STARTER.test(read(pid, 'cmdline'))) return false;
  const variables = read(pid, 'environ').split('\0');
  const wanted = isGit ? OUR_GIT : [];
  return [`QWEX_HOME=${home}`, ...wanted].every((each) => variables.includes(each));
}

/** Nothing of a process that has ended, or is somebody else's. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
