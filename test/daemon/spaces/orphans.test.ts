import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { untilOrphansEnd } from '../../../daemon/spaces/orphans.ts';

const OURS = { GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0' };
const LONG_MS = 60_000;
let folder: string;
let fifo: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qwex-orphans-'));
  fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A git that goes on until somebody writes into the fifo. Resolves when it is one. */
async function waitingGit(variables: Record<string, string>): Promise<ChildProcess> {
  const env = { PATH: process.env.PATH, ...variables };
  const child = spawn('git', ['hash-object', fifo], { env, stdio: 'ignore' });
  await once(child, 'spawn');
  while (readFileSync(`/proc/${child.pid}/comm`, 'utf8') !== 'git\n');
  return child;
}

async function letGo(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  await (await open(fifo, 'w')).close();
  await ended;
}

test('a git of an earlier daemon of this home is waited for, until it ends', async () => {
  const child = await waitingGit({ ...OURS, QWEX_HOME: folder });
  let isOver = false;
  const over = untilOrphansEnd({ home: folder, own: undefined, limitMs: LONG_MS }).then(() => {
    isOver = true;
  });
  await untilOrphansEnd({ home: folder, own: undefined, limitMs: 1 });
  expect(isOver).toBe(false);
  await letGo(child);
  await over;
});

test.each([
  ['of another home', { ...OURS, QWEX_HOME: '/somewhere/else' }],
  ["of the user's own", { QWEX_HOME: '@' }],
])('a git %s is not waited for', async (_, variables) => {
  const home = variables.QWEX_HOME === '@' ? folder : variables.QWEX_HOME;
  const child = await waitingGit({ ...variables, QWEX_HOME: home });
  await untilOrphansEnd({ home: folder, own: undefined, limitMs: LONG_MS });
  expect(child.exitCode).toBeNull();
  await letGo(child);
});
