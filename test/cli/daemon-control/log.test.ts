import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { execute, qwex, testContext } from '../rig.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'qwex-log-'));
});
afterEach(() => rm(home, { recursive: true }));

const line = (msg: string) => `${JSON.stringify({ level: 30, msg })}\n`;

test('shows the last lines, also of a file larger than one read', async () => {
  const many = Array.from({ length: 5000 }, (_, index) => line(`line ${index} ${'x'.repeat(30)}`)).join('');
  await writeFile(join(home, 'daemon.log'), many + line('é the last'));
  const { stdout } = await qwex({ home }, 'daemon', 'logs', '-n', '2000');
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(2000);
  expect(lines.at(-1)).toBe('info  é the last');
  expect(lines[0]).toMatch(/line 3001 /);
  expect((await qwex({ home }, 'daemon', 'logs', '-n', '1', '--json')).stdout).toBe(line('é the last'));
});

test('follows what is appended, in whole lines, until an interrupt', async () => {
  const log = join(home, 'daemon.log');
  await writeFile(log, line('one'));
  const context = testContext({ home, argv: ['daemon', 'logs', '-f'] });
  const executed = execute(context);
  await context.stdout.until('one');
  const [first = '', rest = ''] = [line('two').slice(0, 10), line('two').slice(10)];
  await appendFile(log, first);
  await appendFile(log, rest);
  await context.stdout.until('two');
  context.interrupt();
  expect(await executed).toMatchObject({ code: 0, stdout: 'info  one\ninfo  two\n' });
});

test('goes on in the next file when the log is turned over', async () => {
  const log = join(home, 'daemon.log');
  await writeFile(log, line('one'));
  const context = testContext({ home, argv: ['daemon', 'logs', '-f'] });
  const executed = execute(context);
  await context.stdout.until('one');
  await appendFile(log, line('last of the old'));
  await rename(log, `${log}.1`);
  await writeFile(log, line('first of the new') + line('x'.repeat(100)));
  await context.stdout.until('xxx');
  context.interrupt();
  const { stdout } = await executed;
  expect(stdout.split('\n').map((text) => text.slice(6, 22))).toEqual([
    'one',
    'last of the old',
    'first of the new',
    'x'.repeat(16),
    '',
  ]);
});

test('a home without a log is told so', async () => {
  expect(await qwex({ home }, 'daemon', 'logs')).toMatchObject({ code: 3, stdout: '' });
});
