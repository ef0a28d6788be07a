// Watching a run: run -f, batch, watch, logs -f.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { Rig } from '../rig/rig.ts';

test('run -f relays both streams and exits with the code of the command', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const { code, stdout, stderr } = await rig.qwex(
    ['run', '-f', '--', 'sh', '-c', 'printf out; printf err >&2; exit 7'],
    { cwd: repo.root },
  );
  expect(code).toBe(7);
  expect(stdout).toBe('out');
  expect(stderr).toMatch(/^err.*failed \(exit 7\)/s);
});

test('batch does the same, live', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const batch = rig.begin(['batch', ...program.command], { cwd: repo.root });
  await program.started();
  await program.tell('echo one');
  await batch.stdout.until('one\n');
  await program.tell('echo two >&2');
  await batch.stderr.until('two\n');
  await program.exit(0);
  expect(await batch.ended).toMatchObject({ code: 0, stdout: 'one\n' });
});

test('a run that a signal ended gives 128 plus its number', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const { code } = await rig.qwex(['run', '-f', '--', 'sh', '-c', 'kill -9 $$'], { cwd: repo.root });
  expect(code).toBe(137);
  const run = await rig.client.get('@');
  expect(run).toMatchObject({ status: 'failed', reason: 'signal', exitCode: 137 });
});

test('watch shows all from the beginning, also when it comes late, and mirrors the code', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  await program.started();
  await program.tell('echo early');
  const watch = rig.begin(['watch', id]);
  await watch.stdout.until('early\n');
  await program.tell('echo late');
  await watch.stdout.until('late\n');
  await program.exit(3);
  expect(await watch.ended).toMatchObject({ code: 3, stdout: 'early\nlate\n' });
  expect(await rig.qwex(['watch', id])).toMatchObject({ code: 3, stdout: 'early\nlate\n' });
});

for (const [how, args] of [
  ['watch', (id: string) => ['watch', id]],
  ['logs -f', (id: string) => ['logs', '-f', id]],
] as const) {
  test(`Ctrl-C in ${how} leaves the run going and says how to end it`, async () => {
    await using rig = await Rig.start();
    const repo = await rig.repo();
    const program = await rig.program();
    const id = await rig.submit(repo, '--', ...program.command);
    await program.started();
    await program.tell('echo alive');
    const watch = rig.terminal(args(id));
    await watch.stdout.until('alive');
    watch.type('\x03');
    const { code, stdout } = await watch.ended;
    expect(code).toBe(130);
    expect(stdout).toContain(`qwex cancel ${id.slice(-8)}`);
    await program.tell('echo still');
    await program.exit(0);
    expect(await rig.ended(id)).toMatchObject({ status: 'succeeded', cancelRequestedAt: null });
  });
}

test('Ctrl-C in run -f leaves the run going and says how to end it', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const follow = rig.terminal(['run', '-f', '--', ...program.command], { cwd: repo.root });
  const { runId } = await program.started();
  await program.tell('echo alive');
  await follow.stdout.until('alive');
  follow.type('\x03');
  const { code, stdout } = await follow.ended;
  expect(code).toBe(130);
  expect(stdout).toContain(`qwex cancel ${runId.slice(-8)}`);
  await program.exit(0);
  expect((await rig.ended(runId)).status).toBe('succeeded');
});

test('watch goes on through a kill of the daemon: nothing lost, nothing twice', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  await program.started();
  const watches = [rig.begin(['watch', id]), rig.begin(['logs', '-f', id]), rig.begin(['wait', id])];
  const [watch, logs] = watches;
  await program.tell('seq 1 5000; seq 1 5000 >&2');
  await watch?.stdout.until('\n5000\n');
  await logs?.stdout.until('\n5000\n');
  await rig.killDaemon();
  await program.tell('seq 5001 10000; seq 5001 10000 >&2');
  await watch?.stdout.until('\n10000\n');
  await program.exit(4);
  const [watched, logged, waited] = await Promise.all(watches.map(({ ended }) => ended));
  expect([watched?.code, logged?.code, waited?.code]).toEqual([4, 0, 4]);
  const expected = `${Array.from({ length: 10_000 }, (_, index) => index + 1).join('\n')}\n`;
  expect(watched?.stdout).toBe(expected);
  expect(logged?.stdout).toBe(expected);
  const own = watched?.stderr.replace(/^qwex: .*\n/gm, '');
  expect(own).toBe(expected);
  expect(watched?.stderr).toMatch(/qwex: the daemon went away/);
  expect((await rig.client.get(id)).attempt).toBe(1);
});

test('watch waits for a daemon that was stopped on purpose, and goes on with the next', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  await program.started();
  await program.tell('echo before');
  const watch = rig.begin(['watch', id]);
  await watch.stdout.until('before\n');
  await rig.ok(['daemon', 'stop']);
  await watch.stderr.until('the daemon was stopped');
  await program.tell('echo while stopped');
  await rig.startDaemon();
  await watch.stdout.until('while stopped\n');
  await program.exit(0);
  expect(await watch.ended).toMatchObject({ code: 0, stdout: 'before\nwhile stopped\n' });
});

test('200 MB of output arrive byte for byte, by watch and by logs -f', { timeout: 120_000 }, async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, '--', ...program.command);
  await program.started();
  const watching = ['watch', 'logs -f'].map((how) => rig.shell(`qwex ${how} ${id} 2>/dev/null | sha256sum`));
  // Lines of text, then bytes of any kind.
  await program.begin('seq 1 30000000 | head -c 150000000; head -c 50000000 /dev/urandom');
  await program.exit(0);
  const run = await rig.ended(id);
  const hash = createHash('sha256');
  const log = createReadStream(join(run.directory, 'logs/stdout.log'));
  await pipeline(log, hash);
  expect(log.bytesRead).toBe(200_000_000);
  const expected = hash.digest('hex');
  for (const { code, stdout } of await Promise.all(watching))
    expect({ code, sum: stdout.split(' ')[0] }).toEqual({ code: 0, sum: expected });
});

test('binary output of every byte comes as it was, whole or by its last lines', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  await repo.commit({ bytes: Uint8Array.from({ length: 65_536 }, (_, index) => (index * 7) % 256) });
  const id = await rig.submit(repo, '--', 'cat', 'bytes');
  await rig.ended(id);
  const bytes = await readFile(repo.path('bytes'));
  expect((await rig.qwex(['logs', id])).stdoutBytes.equals(bytes)).toBe(true);
  expect((await rig.qwex(['logs', '-f', id])).stdoutBytes.equals(bytes)).toBe(true);
  const tail = (await rig.qwex(['logs', '-n', '2', id])).stdoutBytes;
  expect(tail.equals(bytes.subarray(bytes.length - tail.length))).toBe(true);
  expect(tail.length).toBeLessThan(1024);
});

test('watch --json is one value a line', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const id = await rig.submit(repo, '--', 'printf', 'a\\nb\\377');
  await rig.ended(id);
  const { code, stdout } = await rig.qwex(['watch', '--json', id]);
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  const items = lines.map((line) => JSON.parse(line)) as { schema_version: number; data: { type: string } }[];
  expect(items.every(({ schema_version }) => schema_version === 1)).toBe(true);
  expect(items.at(-1)?.data).toMatchObject({ type: 'end', run: { id, status: 'succeeded' } });
  const output = items.find(({ data }) => data.type === 'output')?.data;
  expect(output).toEqual({
    type: 'output',
    stream: 'stdout',
    offset: 0,
    base64: Buffer.from('a\nb\xff', 'latin1').toString('base64'),
  });
});
