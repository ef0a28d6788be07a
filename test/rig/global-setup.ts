// Once for all tests against the real program: builds it, and finds out what the machine has.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { lacks } from './needs.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** V8's compile cache of the command line, shared so that only its first start is slow. */
    cacheFolder: string;
    /** The real interpreter: a shim of a version manager needs its owner's home, which tests don't have. Empty: none. */
    python: string;
  }
}

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const run = promisify(execFile);

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Named targets are written over and dist/ is never removed: something may be running from it.
  await run(process.execPath, [join(root, '.ci/build.mjs'), 'cli', 'daemon', 'client']);
  const python = lacks('python3') ? '' : await pythonPath();
  const cacheFolder = await mkdtemp(join(tmpdir(), 'qwex-cache-'));
  project.provide('cacheFolder', cacheFolder);
  project.provide('python', python);
  return () => rm(cacheFolder, { recursive: true, force: true });
}

async function pythonPath(): Promise<string> {
  const { stdout } = await run('python3', ['-c', 'import sys; print(sys.executable)']);
  return stdout.trim();
}
