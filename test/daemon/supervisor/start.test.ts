import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readIdentity, removeFifos } from '../../../daemon/supervisor/index.ts';
import { fileNames, Rig } from './rig.ts';

test('runs the script once, in its folder, with its streams, and writes down how it ended', async () => {
  await using rig = await Rig.open();
  const before = Date.now();
  const run = await rig.run('pwd; echo oops >&2; readlink /proc/self/fd/0; cat');
  const started = await run.started();
  await started.exited;

  expect(await run.stdout()).toBe(`${rig.path('work')}\n/dev/null\n`);
  expect(await run.stderr()).toBe('oops\n');
  const end = await run.finished();
  expect(end).toMatchObject({ kind: 'finished', exitCode: 0, cause: 'exit', signal: null, leftBehind: [] });
  expect(end.startedAtMs).toBeGreaterThanOrEqual(before);
  expect(end.startedAtMs).toBe(started.startedAtMs);
  expect(end.finishedAtMs).toBeGreaterThanOrEqual(end.startedAtMs ?? Number.NaN);
  expect(await fileNames(rig.path('ended'))).toEqual([run.request.runId]);
});

test('leaves no temporary file and nothing readable by others, and fifos for its daemon to remove', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('true');
  await run.complete();
  await removeFifos({ localDir: run.request.localDir, attempts: 1 });
  expect((await readdir(run.request.runDir)).sort()).toEqual(
    ['claim.1', 'here', 'logs', 'meta', 'script.sh', 'supervise.sh', 'supervisor.lock', 'variables'].sort(),
  );
  expect((await readdir(join(run.request.runDir, 'meta'))).sort()).toEqual(
    ['cause', 'exit_code', 'finished_at', 'left_behind', 'pid', 'signal', 'started_at'].sort(),
  );
  for (const name of ['meta', 'logs', 'supervise.sh', 'variables']) {
    expect((await stat(join(run.request.runDir, name))).mode & 0o077, name).toBe(0);
  }
});

test('says who supervises as soon as the script was let go', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('mkfifo $here/go; echo here >$here/ready; read -r _ <$here/go');
  const { supervisor, exited } = await run.started();
  await run.said('ready');
  expect(supervisor).toEqual(await readIdentity(supervisor?.pid ?? 0));
  expect(await run.inspect()).toMatchObject({ kind: 'alive', supervisor });
  await writeFile(join(run.here, 'go'), 'go\n');
  await exited;
  expect(await run.inspect()).toMatchObject({ kind: 'finished', exitCode: 0 });
});

test('the job has no descriptor beyond its streams, its own group, and signals as they were', async () => {
  await using rig = await Rig.open();
  const run = await rig.run(
    'ls /proc/$$/fd; cut -d" " -f5 /proc/$$/stat; echo $$; grep -E "Sig(Ign|Blk)" /proc/self/status | tr -d "\\t"',
  );
  await run.complete();
  const lines = (await run.stdout()).trim().split('\n');
  expect(lines.slice(0, 4)).toEqual(['0', '1', '2', '255']); // 255 is bash's own, for the script
  expect(lines[4]).toBe(lines[5]);
  expect(lines.slice(6)).toEqual(['SigBlk:0000000000000000', 'SigIgn:0000000000000000']);
});

test('every exit code arrives; 128+n is told as a signal', { timeout: 60_000 }, async () => {
  await using rig = await Rig.open();
  const codes = Array.from({ length: 256 }, (_, code) => code);
  const outcomes = new Map<number, unknown>();
  const worker = async (): Promise<void> => {
    for (let code = codes.pop(); code !== undefined; code = codes.pop()) {
      const { exitCode, cause, signal } = await (await rig.run(`exit ${code}`)).complete();
      outcomes.set(code, { exitCode, cause, named: signal !== null });
    }
  };
  await Promise.all([worker(), worker(), worker()]);
  for (const [code, outcome] of outcomes) {
    const named = code > 128 && code <= 192 && code !== 160 && code !== 161; // 32 and 33 are the C library's own
    expect(outcome, `exit ${code}`).toEqual({ exitCode: code, cause: named ? 'signal' : 'exit', named });
  }
  expect(outcomes.size).toBe(256);
});

test.each(['TERM', 'KILL', 'SEGV', 'HUP', 'INT', 'QUIT', 'PIPE', 'USR1'])(
  'death by %s is a signal',
  async (name) => {
    await using rig = await Rig.open();
    const run = await rig.run(`ulimit -c 0; exec sh -c 'kill -${name} $$; exit 3'`);
    expect(await run.complete()).toMatchObject({ cause: 'signal', signal: name });
  },
);

test('a missing environment or start directory is a set-up failure, and the script does not run', async () => {
  await using rig = await Rig.open();
  for (const changes of [{ environmentFile: rig.path('none') }, { cwd: rig.path('none') }]) {
    const run = await rig.run('echo ran', changes);
    expect(await run.complete()).toMatchObject({ exitCode: 125, cause: 'exit' });
    expect(await run.stdout()).toBe('');
    expect(await run.stderr()).toContain('qwex: cannot set up the environment');
  }
});

test('a folder that it cannot use is a failure that says so, and nothing ran', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('echo ran >$here/ran');
  await writeFile(join(run.request.runDir, 'life'), 'in the way');
  const failed = await run.start();
  expect(failed).toEqual({ kind: 'failed', message: expect.stringContaining('cannot make the fifos') });
  expect(await run.inspect()).toEqual({ kind: 'never_ran' });

  await rm(join(run.request.runDir, 'life'));
  expect(await run.start()).toEqual({ kind: 'claimed' });
  await (await run.started({ attempt: 2 })).exited;
  expect(await run.finished()).toMatchObject({ exitCode: 0 });
});
