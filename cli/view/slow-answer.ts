// What to say while a daemon doesn't answer: who it is, and what keeps it, as far as the system tells.
import { readFileSync } from 'node:fs';

/** Of proc(5). */
const STATES: Readonly<Record<string, (pid: string) => string>> = {
  D: () => ', as it waits for a disk or a network file system',
  T: (pid) => `, as it was stopped; to let it go on: kill -CONT ${pid}`,
};

/** `lockFile`: of the daemon, whose first word is its process. */
export function slowAnswer(seconds: number, lockFile: string): string {
  const [pid = ''] = (textOf(lockFile) ?? '').split(' ');
  if (!/^[1-9]\d*$/.test(pid)) return `qwex: no answer for ${seconds} s; still waiting`;
  const stat = textOf(`/proc/${pid}/stat`) ?? '';
  const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  return `qwex: the daemon (pid ${pid}) has given no answer for ${seconds} s${STATES[state]?.(pid) ?? ''}; still waiting`;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Only a help to whoever wonders.
    return undefined;
  }
}
