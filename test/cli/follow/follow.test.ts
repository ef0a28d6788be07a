import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { encodeOutput, type StreamName } from '../../../shared/output-frame.ts';
import type { Run } from '../../../shared/schemas/run.ts';
import { FakeDaemon } from '../fake-daemon.ts';
import { aRun, execute, qwex, testContext } from '../rig.ts';

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await FakeDaemon.start();
});
afterEach(() => daemon[Symbol.asyncDispose]());

const running = aRun({ status: 'running', phase: 'running', finishedAt: null, exitCode: null, reason: null });

const sendRun = (socket: WebSocket, type: 'run' | 'end', run: Run) =>
  socket.send(JSON.stringify({ type, run }));
function sendOutput(socket: WebSocket, stream: StreamName, data: Buffer | string, offset = 0) {
  socket.send(encodeOutput({ stream, offset, data: Buffer.from(data) }));
}

describe('watch', () => {
  test('passes every byte to its stream, and exits with the code of the run', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const failed = aRun({ status: 'failed', exitCode: 7 });
    daemon.withRuns(running).onWatch((socket) => {
      sendRun(socket, 'run', running);
      sendOutput(socket, 'stdout', bytes);
      sendOutput(socket, 'stderr', 'warned\n');
      sendRun(socket, 'end', failed);
      socket.close(1000);
    });
    const context = testContext({ home: daemon.home, argv: ['watch'] });
    expect((await execute(context)).code).toBe(7);
    expect(context.stdout.bytes).toEqual(bytes);
    expect(context.stderr.text).toBe('warned\nqwex: run 27201aca failed (exit 7) after 3m 05s\n');
  });

  test('an interrupt leaves the run running and says how to cancel it', async () => {
    daemon.withRuns(running).onWatch((socket) => sendOutput(socket, 'stdout', 'epoch 1\n'));
    const context = testContext({ home: daemon.home, argv: ['watch'] });
    const executed = execute(context);
    await context.stdout.until('epoch 1');
    context.interrupt();
    expect(await executed).toMatchObject({ code: 130, stdout: 'epoch 1\n' });
    expect(context.stderr.text).toBe('qwex: run 27201aca goes on; to end it: qwex cancel 27201aca\n');
    expect(daemon.asked.map(({ method }) => method)).not.toContain('DELETE');
  });

  test('goes on at the byte where the connection broke, and says so once', async () => {
    const offsets: (string | null)[] = [];
    daemon.withRuns(running).onWatch((socket, query) => {
      offsets.push(query.get('stdout'));
      if (offsets.length === 1) {
        sendOutput(socket, 'stdout', 'one');
        socket.close(1012);
      } else {
        sendOutput(socket, 'stdout', 'two', 3);
        sendRun(socket, 'end', aRun());
        socket.close(1000);
      }
    });
    const result = await qwex({ home: daemon.home }, 'watch');
    expect(result).toMatchObject({ code: 0, stdout: 'onetwo' });
    expect(offsets).toEqual([null, '3']);
    expect(result.stderr.match(/went away/g)).toHaveLength(1);
    expect(result.stderr).toContain('connected again');
  });

  test('--json is a value a line and nothing else', async () => {
    daemon.withRuns(running).onWatch((socket) => {
      sendOutput(socket, 'stdout', 'text');
      sendOutput(socket, 'stderr', Buffer.of(0xff));
      sendRun(socket, 'end', aRun());
      socket.close(1000);
    });
    const result = await qwex({ home: daemon.home }, 'watch', '--json');
    const values = result.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(values.map(({ schema_version }) => schema_version)).toEqual([1, 1, 1]);
    expect(values.map(({ data }) => data)).toMatchObject([
      { type: 'output', stream: 'stdout', offset: 0, text: 'text' },
      { type: 'output', stream: 'stderr', base64: '/w==' },
      { type: 'end', run: { id: running.id } },
    ]);
    expect(result.stderr).toBe('');
  });
});

describe('logs', () => {
  test('end where the logs ended when they were asked for', async () => {
    daemon
      .withRuns(running)
      .on(`GET /api/v1/runs/${running.id}/logs`, {
        json: { stdout: '', stderr: '', offsets: { stdout: 5, stderr: 2 } },
      })
      .onWatch((socket) => {
        sendOutput(socket, 'stdout', 'abc');
        sendOutput(socket, 'stderr', 'xy');
        sendOutput(socket, 'stdout', 'de and more', 3);
      });
    expect(await qwex({ home: daemon.home }, 'logs')).toEqual({ code: 0, stdout: 'abcde', stderr: 'xy' });
    expect(await qwex({ home: daemon.home }, 'logs', '--stderr')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'xy',
    });
  });

  test('of a run that wrote nothing are nothing', async () => {
    daemon.withRuns(running).on(`GET /api/v1/runs/${running.id}/logs`, {
      json: { stdout: '', stderr: '', offsets: { stdout: 0, stderr: 0 } },
    });
    expect(await qwex({ home: daemon.home }, 'logs')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('-f tells only trouble, never the status', async () => {
    daemon.withRuns(running).onWatch((socket, query) => {
      expect(query.get('tail')).toBe('5');
      sendOutput(socket, 'stdout', 'x\n');
      sendRun(socket, 'end', aRun({ status: 'failed', exitCode: 3 }));
      socket.close(1000);
    });
    expect(await qwex({ home: daemon.home }, 'logs', '-f', '-n', '5')).toEqual({
      code: 0,
      stdout: 'x\n',
      stderr: '',
    });
  });
});

describe('wait', () => {
  test("exits with the first failure's code in the order of the words", async () => {
    const [a, b, c] = [
      aRun({ id: 'a'.repeat(8) }),
      aRun({ id: 'b'.repeat(8), status: 'failed', exitCode: 4 }),
      aRun({ id: 'c'.repeat(8), status: 'cancelled', exitCode: 143 }),
    ];
    daemon.withRuns(a, b, c);
    const options = { home: daemon.home };
    expect((await qwex(options, 'wait', a.id, b.id, c.id)).code).toBe(4);
    expect((await qwex(options, 'wait', a.id, c.id, b.id)).code).toBe(130);
    expect((await qwex(options, 'wait', a.id)).code).toBe(0);
    const piped = await qwex({ ...options, stdin: `${c.id}\n${b.id}\n` }, 'wait', '-', '--json');
    expect(piped.code).toBe(130);
    expect(JSON.parse(piped.stdout).data).toMatchObject([{ id: c.id }, { id: b.id }]);
  });

  test('tells a wrong id at once, although another run goes on', async () => {
    daemon.withRuns(running).on(`GET /api/v1/runs/${running.id}/wait`, () => {
      throw new Error('asked to wait');
    });
    const result = await qwex({ home: daemon.home }, 'wait', running.id, 'nope');
    expect(result).toMatchObject({ code: 3, stdout: '' });
    expect(result.stderr).toContain('"nope"');
  });
});
