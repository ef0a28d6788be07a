// The CLI as a process of its own: exit codes, closed pipes, what is never shown.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VERSION } from '../../shared/version.ts';
import { FakeDaemon } from './fake-daemon.ts';
import { aRun } from './rig.ts';

const ENTRY = join(import.meta.dirname, '../../cli/main.ts');

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await FakeDaemon.start();
});
afterEach(() => daemon[Symbol.asyncDispose]());

const environment = () => ({ PATH: process.env.PATH, HOME: daemon.home, QWEX_HOME: daemon.home });

async function said(child: ChildProcess) {
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new TypeError('no pipes');
  const [out, err, [code]] = await Promise.all([text(stdout), text(stderr), once(child, 'close')]);
  return { code, out, err };
}

const qwex = (...words: string[]) => said(spawn(process.execPath, [ENTRY, ...words], { env: environment() }));

test('--version is that of the package', async () => {
  const { version } = JSON.parse(await readFile(join(ENTRY, '../../package.json'), 'utf8'));
  expect(await qwex('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
  expect(await qwex('-V')).toMatchObject({ code: 0, out: `${version}\n` });
});

test('a reader that leaves ends it quietly, as SIGPIPE would', async () => {
  daemon.withRuns(...Array.from({ length: 3000 }, (_, index) => aRun({ id: `${index}`.padStart(8, '0') })));
  const script = `"$0" "$1" list --all | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const child = spawn('bash', ['-c', script, process.execPath, ENTRY], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { out, err } = await said(child);
  expect(err).toBe('');
  expect(out.split('\n')).toEqual([expect.stringMatching(/^ID +STATUS/), '141', '']);
});

test.runIf(existsSync('/dev/full'))('output that finds no room is told, without a stack trace', async () => {
  daemon.withRuns(aRun());
  const full = openSync('/dev/full', 'w');
  try {
    for (const words of [['list'], ['list', '--json'], ['--help'], ['--version']]) {
      const child = spawn(process.execPath, [ENTRY, ...words], {
        env: environment(),
        stdio: ['ignore', full, 'pipe'],
      });
      if (child.stderr === null) throw new TypeError('no pipe');
      const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
      expect({ words, code, err }).toEqual({
        words,
        code: 70,
        err: expect.stringMatching(/^error: cannot write: .*ENOSPC/),
      });
      expect(err).not.toMatch(/^ +at /m);
    }
  } finally {
    closeSync(full);
  }
});

test('large output arrives whole before it leaves', async () => {
  daemon.withRuns(...Array.from({ length: 3000 }, (_, index) => aRun({ id: `${index}`.padStart(8, '0') })));
  const { code, out } = await qwex('list', '--all', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out).data).toHaveLength(3000);
});

test('the details of a bug go to a private file, not to the user', async () => {
  daemon.on('GET /api/v1/runs/x', { json: { garbage: true } });
  const { code, out, err } = await qwex('status', 'x');
  expect({ code, out }).toEqual({ code: 70, out: '' });
  expect(err).toMatch(/^error: internal error: .*\nhint: the details are in .*cli-error\.log\n$/);
  expect(await readFile(join(daemon.home, 'cli-error.log'), 'utf8')).toMatch(/^\s+at /m);
});

test('what a daemon of another version refuses is told with the way out, what it grants is not', async () => {
  daemon.version = '0.0.9';
  daemon.withRuns(aRun({}));
  const warning = /^warning: the daemon is qwex 0\.0\.9, this command is qwex .*\nhint: qwex daemon restart/;
  expect((await qwex('daemon', 'stop')).err).toMatch(warning);
  // Of the same series, where everything is understood but what one of them doesn't know.
  daemon.version = `${VERSION.split('.').slice(0, 2).join('.')}.99`;
  expect((await qwex('list')).err).toBe('');
  expect((await qwex('pause')).err).toMatch(/^warning: .*\nhint: use qwex .*99 here, too.*\nerror: /);
});
