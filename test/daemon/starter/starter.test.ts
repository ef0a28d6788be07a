import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GitFailure, GitKilled, git } from '../../../daemon/spaces/git.ts';
import { run } from '../../../daemon/starter/run.ts';
import { Starter, useStarter } from '../../../daemon/starter/starter.ts';
import { startSupervisor } from '../../../daemon/supervisor/index.ts';
import { kill, lives, Rig, untilGone } from '../supervisor/rig.ts';

let starter: Starter;
let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'qwex-starter-')));
  await promisify(execFile)('git', ['init', '--quiet', folder]);
  starter = new Starter();
  starter.open();
  useStarter(starter);
  await run('true', []); // it is there
});

afterEach(async () => {
  useStarter(undefined);
  await starter.close();
  await rm(folder, { recursive: true, force: true });
});

/** A git that waits until somebody opens the fifo for writing. */
async function waitingGit(signal?: AbortSignal): Promise<Promise<string>[]> {
  const fifo = join(folder, 'fifo');
  await promisify(execFile)('mkfifo', [fifo]);
  return [git({ cwd: folder, args: ['hash-object', fifo], ...(signal && { signal }) })];
}

test('git says the same through it as without it', async () => {
  const inside = { cwd: folder, args: ['rev-parse', '--is-inside-work-tree'] };
  expect(await git(inside)).toBe('true\n');
  expect(await git({ cwd: folder, args: ['hash-object', '--stdin'], input: 'ü\0\n' })).toMatch(
    /^[0-9a-f]{40}\n$/,
  );
  const wrong = { cwd: folder, args: ['rev-parse', '--verify', 'nothing'] };
  const failure = await git(wrong).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(GitFailure);
  useStarter(undefined);
  const direct = await git(wrong).catch((error: unknown) => error);
  expect({ ...(failure as GitFailure) }).toEqual({ ...(direct as GitFailure) });
});

test('a call that is aborted ends its git', async () => {
  const abort = new AbortController();
  const [asked] = await waitingGit(abort.signal);
  const ended = expect(asked).rejects.toThrow();
  const [pid] = await childrenOf(starter.pid ?? 0);
  abort.abort();
  await ended;
  await untilGone(pid ?? 0);
});

test('programs: how they ended, and their last words', async () => {
  expect(await run('true', [])).toEqual({ exit: { code: 0, signal: null }, stderr: '' });
  expect(await run('ls', ['/not/there'])).toMatchObject({
    exit: { code: 2 },
    stderr: expect.stringContaining('/not/there'),
  });
  await expect(run('/no/such/program', [])).rejects.toMatchObject({ code: 'ENOENT' });
});

test('killed, it is answered for, and another takes its place', async () => {
  const [asked] = await waitingGit();
  const killed = expect(asked).rejects.toBeInstanceOf(GitKilled); // hash-object isn't given twice
  const [orphan] = await childrenOf(starter.pid ?? 0);
  const first = starter.pid ?? 0;
  kill(first);
  await killed;
  kill(orphan ?? 0);
  expect(await git({ cwd: folder, args: ['rev-parse', '--is-inside-work-tree'] })).toBe('true\n');
  expect(starter.pid).not.toBe(first);
});

test('a supervisor outlives it, and its end is then not seen but found', async () => {
  await using rig = await Rig.open();
  const waiting = await rig.run('mkfifo $here/go; echo $$ >$here/pid; read -r _ <$here/go; exit 4');
  const { supervisor, exited } = await waiting.started();
  await waiting.said('pid');
  kill(starter.pid ?? 0);
  expect(await exited).toEqual({ code: null, signal: null });
  expect(await waiting.inspect()).toMatchObject({ kind: 'alive', supervisor });
  await waiting.say('go');
  await untilGone(supervisor?.pid ?? 0);
  expect(await waiting.finished()).toMatchObject({ exitCode: 4 });
});

test('killed before it got to the supervisor: that attempt never starts', async () => {
  await using rig = await Rig.open();
  const never = await rig.run('echo >$here/ran');
  process.kill(starter.pid ?? 0, 'SIGSTOP');
  const asked = startSupervisor(never.request);
  kill(starter.pid ?? 0);
  expect(await asked).toMatchObject({ kind: 'failed' });
  expect(await never.inspect()).toEqual({ kind: 'never_ran' });
  expect(await never.start()).toEqual({ kind: 'claimed' });
  await (await never.started({ attempt: 2 })).exited;
  expect(await never.said('ran')).toBe('');
});

test('where none can be brought up, all is done without', async () => {
  const none = new Starter(join(folder, 'nothing.mjs'));
  useStarter(none);
  expect(await git({ cwd: folder, args: ['rev-parse', '--is-inside-work-tree'] })).toBe('true\n');
  expect(await run('true', [])).toMatchObject({ exit: { code: 0 } });
  await using rig = await Rig.open();
  expect(await (await rig.run('exit 3')).complete()).toMatchObject({ exitCode: 3 });
  await none.close();
});

test('it ends with whoever it was for', async () => {
  const script = join(folder, 'keeper.ts');
  const module = fileURLToPath(new URL('../../../daemon/starter/starter.ts', import.meta.url));
  await writeFile(
    script,
    `import { Starter } from ${JSON.stringify(module)};
     const starter = new Starter(); starter.open(); console.log(starter.pid);`,
  );
  const keeper = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(keeper.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  expect(lives(pid)).toBe(true);
  keeper.kill('SIGKILL');
  await untilGone(pid);
});

/** Waits for one. */
async function childrenOf(pid: number): Promise<number[]> {
  for (;;) {
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    const pids = text.trim().split(' ').filter(Boolean).map(Number);
    if (pids.length > 0) return pids;
  }
}
