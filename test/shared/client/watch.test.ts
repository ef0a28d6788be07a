// The following of a run, against a server whose every frame and close the test decides, and against a real daemon
// where what counts is what it really answers.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { LocalRunner } from '../../../shared/client/local-runner.ts';
import { type WatchItem, watchRun } from '../../../shared/client/watch.ts';
import { encodeOutput } from '../../../shared/output-frame.ts';
import { ApiRig } from '../../daemon/api/rig.ts';

let folder = '';
let socketPath = '';
let server: Server;
/** What is served to each connection, in order; `refuse` answers with a problem instead. */
let script: ((socket: WebSocket) => void)[] = [];
let refusal: { status: number; body: string } | undefined;
let asked: string[] = [];
let revived: boolean[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qwex-watch-'));
  socketPath = join(folder, 's');
  [script, asked, revived, refusal] = [[], [], [], undefined];
  server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    asked.push(request.url ?? '');
    if (refusal) {
      const { status, body } = refusal;
      socket.end(`HTTP/1.1 ${status} no\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (each) => script.shift()?.(each));
  });
  server.listen(socketPath);
  await once(server, 'listening');
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

/** Resolves when this process' server has got a request for such a path. */
function requested(part: string): Promise<void> {
  return new Promise((resolve) => {
    const listen = (message: unknown) => {
      if (!(message as { request: { url: string } }).request.url.includes(part)) return;
      unsubscribe('http.server.request.start', listen);
      resolve();
    };
    subscribe('http.server.request.start', listen);
  });
}

const run = (id: string) => JSON.stringify({ type: 'run', run: { id } });
const end = (id: string) => JSON.stringify({ type: 'end', run: { id } });
const out = (offset: number, text: string) =>
  encodeOutput({ stream: 'stdout', offset, data: Buffer.from(text) });

async function watch(id = '@', options: Parameters<typeof watchRun>[1] = {}): Promise<string[]> {
  const seen: string[] = [];
  const revive = async (stopped: boolean) => void revived.push(stopped);
  for await (const item of watchRun({ socketPath, id, revive }, options)) seen.push(told(item));
  return seen;
}

function told(item: WatchItem): string {
  if (item.type === 'output') return `${item.stream}@${item.offset} ${item.data.toString()}`;
  if (item.type === 'run' || item.type === 'end') return `${item.type} ${item.run.id}`;
  return item.type === 'disconnected' ? `disconnected ${item.stopped}` : item.type;
}

describe('a watch', () => {
  it('goes on where it was cut, in the run that it was in', async () => {
    script = [
      (socket) => {
        for (const frame of [run('a'), out(0, 'one '), out(4, 'two')]) socket.send(frame);
        socket.close(1012);
      },
      (socket) => {
        for (const frame of [run('a'), out(7, ' three'), run('a'), run('b'), out(0, 'again')])
          socket.send(frame);
        socket.terminate();
      },
      (socket) => {
        for (const frame of [run('b'), end('b')]) socket.send(frame);
      },
    ];
    expect(await watch('@', { tailLines: 5 })).toEqual([
      ...['run a', 'stdout@0 one ', 'stdout@4 two', 'disconnected false', 'reconnected'],
      ...[
        'run a',
        'stdout@7  three',
        'run a',
        'run b',
        'stdout@0 again',
        'disconnected false',
        'reconnected',
      ],
      ...['run b', 'end b'],
    ]);
    expect(asked).toEqual([
      '/api/v1/runs/%40/watch?tail=5',
      '/api/v1/runs/a/watch?stdout=7',
      '/api/v1/runs/b/watch?stdout=5',
    ]);
    expect(revived).toEqual([true, false]);
  });

  it('that began with the last lines goes on from there when it is cut before it has seen any', async () => {
    script = [
      (socket) => {
        for (const frame of [run('a'), out(700, '')]) socket.send(frame);
        socket.close(1012);
      },
      (socket) => socket.send(end('a')),
    ];
    expect(await watch('a', { tailLines: 0 })).toEqual([
      'run a',
      'disconnected false',
      'reconnected',
      'end a',
    ]);
    expect(asked).toEqual(['/api/v1/runs/a/watch?tail=0', '/api/v1/runs/a/watch?stdout=700']);
  });

  it('takes the place of a log that got shorter', async () => {
    script = [
      (socket) => {
        for (const frame of [
          run('a'),
          out(0, 'long'),
          JSON.stringify({ type: 'gap', stream: 'stdout', offset: 2 }),
        ])
          socket.send(frame);
        socket.close(1001);
      },
      (socket) => socket.send(end('a')),
    ];
    await watch('a');
    expect(asked[1]).toBe('/api/v1/runs/a/watch?stdout=2');
    expect(revived).toEqual([true]);
  });

  it.each([
    [
      404,
      '{"code":"not_found","detail":"no run x","hint":"qwex list","status":404}',
      'not_found',
      'no run x',
    ],
    [409, '{"code":"ambiguous","detail":"which?","status":409}', 'ambiguous', 'which?'],
    [418, 'a teapot', 'internal', 'the daemon answered 418 to GET /api/v1/runs/{id}/watch'],
    [500, '{"code":"from the future","detail":"new"}', 'internal', 'new'],
  ])('that is refused with %i throws what the daemon said, once', async (status, body, code, message) => {
    refusal = { status, body };
    await expect(watch('x')).rejects.toMatchObject({ name: 'QwexError', code, message });
    expect(asked).toHaveLength(1);
    expect(revived).toEqual([]);
  });

  it('tries again when the daemon that answers is just stopping', async () => {
    refusal = { status: 503, body: '{"code":"unreachable","detail":"stopping"}' };
    script = [(socket) => socket.send(end('a'))];
    const seen: string[] = [];
    const revive = async () => {
      refusal = undefined;
    };
    for await (const item of watchRun({ socketPath, id: 'a', revive })) seen.push(told(item));
    expect(seen).toEqual(['disconnected false', 'reconnected', 'end a']);
  });

  it.each([1011, 1008, 4404])(
    'that the daemon closes with %i throws instead of coming back for ever',
    async (code) => {
      script = [(socket) => socket.close(code, 'watch failed')];
      await expect(watch('a')).rejects.toMatchObject({
        code: 'internal',
        message: expect.stringContaining('watch failed'),
      });
      expect(asked).toHaveLength(1);
    },
  );

  it.each([
    ['binary', Buffer.from([9, 9])],
    ['text', '{"type": '],
  ])('of a frame that is none (%s) throws', async (_, frame) => {
    script = [(socket) => socket.send(frame)];
    await expect(watch('a')).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('a frame that is none'),
    });
  });

  it('ends when its signal aborts, and closes the connection', async () => {
    const controller = new AbortController();
    const closed = new Promise<void>((resolve) => {
      script = [
        (socket) => {
          socket.on('close', () => resolve());
          socket.send(run('a'));
        },
      ];
    });
    const seen: string[] = [];
    const revive = async () => undefined;
    for await (const item of watchRun({ socketPath, id: 'a', revive }, { signal: controller.signal })) {
      seen.push(told(item));
      controller.abort();
    }
    await closed;
    expect(seen).toEqual(['run a']);
  });

  it('that nobody reads on holds the sender back', async () => {
    const chunk = Buffer.alloc(256 * 1024, 'x');
    let sent = 0;
    let isOver = false;
    script = [
      (socket) => {
        socket.send(run('a'));
        const next = () => {
          if (sent === 200) socket.send(end('a'), () => (isOver = true));
          else
            socket.send(encodeOutput({ stream: 'stdout', offset: sent++ * chunk.length, data: chunk }), next);
        };
        next();
      },
    ];
    const items = watchRun({ socketPath, id: 'a', revive: async () => undefined });
    await items.next();
    expect(isOver).toBe(false);
    let bytes = 0;
    for await (const item of items) if (item.type === 'output') bytes += item.data.length;
    expect(bytes).toBe(200 * chunk.length);
  });
});

describe('of a run on this machine', () => {
  const revive = async () => undefined;
  const written = (stream: string, offset: number, bytes: number) =>
    JSON.stringify({ type: 'written', stream, offset, bytes });
  const runIn = (directory: string) => JSON.stringify({ type: 'run', run: { id: 'a', directory } });
  const seen = async (reuseMemory: boolean): Promise<string[]> => {
    const items = watchRun({ socketPath, id: 'a', revive, isLocal: true }, { reuseMemory });
    const all: string[] = [];
    for await (const item of items) all.push(told(item));
    return all;
  };

  it.each([false, true])('the log is read where it lies (memory used again: %j)', async (reuseMemory) => {
    mkdirSync(join(folder, 'logs'));
    writeFileSync(join(folder, 'logs', 'stdout.log'), 'one two three');
    writeFileSync(join(folder, 'logs', 'stderr.log'), 'oops');
    script = [
      (socket) => {
        for (const frame of [runIn(folder), written('stdout', 0, 4), written('stderr', 0, 4)])
          socket.send(frame);
        socket.close(1012);
      },
      (socket) => {
        // The last of it has been cut away meanwhile.
        for (const frame of [runIn(folder), written('stdout', 4, 100), end('a')]) socket.send(frame);
      },
    ];
    expect(await seen(reuseMemory)).toEqual([
      ...['run a', 'stdout@0 one ', 'stderr@0 oops', 'disconnected false', 'reconnected'],
      ...['run a', 'stdout@4 two three', 'end a'],
    ]);
    expect(asked).toEqual([
      '/api/v1/runs/a/watch?output=lengths',
      '/api/v1/runs/a/watch?stdout=4&stderr=4&output=lengths',
    ]);
  });

  it('where the log can not be read, the daemon is asked for it', async () => {
    script = [
      (socket) => {
        for (const frame of [runIn(join(folder, 'elsewhere')), written('stdout', 0, 4)]) socket.send(frame);
      },
      (socket) => {
        for (const frame of [runIn(join(folder, 'elsewhere')), out(0, 'one '), end('a')]) socket.send(frame);
      },
    ];
    expect(await seen(false)).toEqual(['run a', 'run a', 'stdout@0 one ', 'end a']);
    expect(asked).toEqual(['/api/v1/runs/a/watch?output=lengths', '/api/v1/runs/a/watch']);
  });
});

describe('with a real daemon', () => {
  it('a run that is not there is not_found, and one that is gone while it is watched too', async () => {
    await using rig = await ApiRig.start();
    const runner = new LocalRunner({ home: rig.daemon.paths.home, autostart: false });
    await expect(runner.watch('none').next()).rejects.toMatchObject({
      code: 'not_found',
      hint: expect.any(String),
    });
    const { id } = await rig.submit();
    const items = runner.watch(id);
    expect((await items.next()).value).toMatchObject({ type: 'run', run: { id } });
    await items.return(undefined);
  });

  it('a wait that the daemon leaves waits for the next one, and does not start it', async () => {
    const rig = await ApiRig.start();
    try {
      const { id } = await rig.submit();
      const runner = new LocalRunner({ home: rig.daemon.paths.home });
      const controller = new AbortController();
      const arrived = requested('/wait');
      const waiting = runner.wait(id, controller.signal);
      await arrived;
      await rig.daemon.stop(false);
      controller.abort();
      await expect(waiting).rejects.toThrow();
      await expect(
        new LocalRunner({ home: rig.daemon.paths.home, autostart: false }).get(id),
      ).rejects.toMatchObject({
        code: 'unreachable',
      });
    } finally {
      rmSync(rig.folder, { recursive: true, force: true });
    }
  });
});
