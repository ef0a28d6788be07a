// Changes of a box's own files, made without a daemon by a program of its own: this one may run as root under sudo,
// where a daemon would be root's. It runs on the Node that this runs on.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { BoxChange } from '../../shared/box.ts';
import { packageRoot } from '../../shared/client/start-daemon.ts';
import { type ErrorFields, QwexError } from '../../shared/errors.ts';

type Answer<T> = { data: T } | { error: ErrorFields };

/** Root, on behalf of somebody. */
export function isSudo(env: NodeJS.ProcessEnv): boolean {
  return process.getuid?.() === 0 && Boolean(env.SUDO_UID);
}

/** Throws what went wrong there as a QwexError; anything but an answer is a bug, with what the program said. */
export async function changeBox<T>(change: BoxChange, env: NodeJS.ProcessEnv): Promise<T> {
  const words = ['--disable-warning=ExperimentalWarning', '--', entry(), JSON.stringify(change)];
  const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [code, said, complaint] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (code !== 0) throw new Error(`changing the box ended with ${code}: ${complaint.trim()}`);
  const answer = JSON.parse(said) as Answer<T>;
  if ('error' in answer) throw new QwexError(answer.error);
  return answer.data;
}

/** Beside the bundle; from source, the source. */
function entry(): string {
  const bundled = join(dirname(fileURLToPath(import.meta.url)), 'box-init.mjs');
  return existsSync(bundled) ? bundled : join(packageRoot(), 'daemon', 'box', 'init-main.ts');
}
