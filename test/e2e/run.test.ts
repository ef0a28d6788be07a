import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Rig } from '../rig/rig.ts';

test('run prints the bare id on a pipe at once, while the command goes on', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const { code, stdout, stderr } = await rig.qwex(['run', '--', ...program.command], { cwd: repo.root });
  expect(code).toBe(0);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\n$/);
  const id = stdout.trim();
  expect((await program.started()).runId).toBe(id);
  await program.tell('echo hello; echo trouble >&2');
  await program.exit(0);
  const run = await rig.ended(id);
  expect(run).toMatchObject({ status: 'succeeded', reason: 'exit', exitCode: 0, attempt: 1 });
  expect(await rig.runFile(id, 'logs', 'stdout.log')).toBe('hello\n');
  expect(await rig.runFile(id, 'logs', 'stderr.log')).toBe('trouble\n');
  expect(await readFile(`${run.directory}/meta/exit_code`, 'utf8')).toBe('0\n');
});
