import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOCAL_API } from '../../../shared/api.ts';
import { isNotListening, Transport } from '../../../shared/client/transport.ts';
import { QwexError } from '../../../shared/errors.ts';
import { VERSION } from '../../../shared/version.ts';

let folder = '';
let socketPath = '';
let server: Server;
let received = '';
/** The bytes of every answer, as a server may send them. */
let answer = '';
/** Versions that were told of, and whether with a refusal. */
let told: [string, boolean][] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qwex-transport-'));
  socketPath = join(folder, 's');
  received = '';
  told = [];
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => {
      received += data.toString('utf8');
      socket.end(answer);
    });
  });
  server.listen(socketPath);
  await once(server, 'listening');
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const route = { method: 'post', path: '/api/v1/runs/{id}' } as const;
const ask = () =>
  new Transport(socketPath, (...heard) => told.push(heard)).json(route, {
    params: { id: 'a/b' },
    query: { n: 1, no: undefined },
    body: { x: 'ü' },
  });
const failure = (given: Promise<unknown>) =>
  given.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a request', () => {
  it('is one that any server reads', async () => {
    answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nQwex-Version: 9.9.9\r\n\r\n{}';
    expect(await ask()).toEqual({ status: 200, data: {} });
    expect(told).toEqual([['9.9.9', false]]);
    const [head, body] = received.split('\r\n\r\n');
    expect(head?.split('\r\n')[0]).toBe('POST /api/v1/runs/a%2Fb?n=1 HTTP/1.1');
    expect(head?.toLowerCase()).toContain(`qwex-version: ${VERSION}`);
    expect(head?.toLowerCase()).toContain(`content-length: ${Buffer.byteLength(body ?? '')}`);
    expect(JSON.parse(body ?? '')).toEqual({ x: 'ü' });
  });

  it.each([
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n'],
    ['no length at all', '\r\n{"a":1}'],
  ])('is answered in %s', async (_, rest) => {
    answer = `HTTP/1.1 200 OK\r\n${rest}`;
    expect((await ask()).data).toEqual({ a: 1 });
  });

  it('that is refused throws the problem, all of it', async () => {
    const problem = { code: 'conflict', detail: 'no', hint: 'do', details: { a: 1 }, status: 409 };
    const body = JSON.stringify(problem);
    answer = `HTTP/1.1 409 conflict\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    expect(await failure(ask())).toMatchObject({
      code: 'conflict',
      message: 'no',
      hint: 'do',
      details: { a: 1 },
    });
  });

  it.each([
    ['nothing', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['half a body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}'],
    ['half a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{}'],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
  ])('that is answered with %s is unreachable, and was not unheard', async (_, bytes) => {
    answer = bytes;
    const error = await failure(ask());
    expect(error).toMatchObject({ code: 'unreachable' });
    expect(isNotListening(error)).toBe(false);
  });

  it('to nobody is unreachable, so that a daemon may be started', async () => {
    const error = await failure(new Transport(join(folder, 'none')).json(LOCAL_API.status));
    expect(error).toBeInstanceOf(QwexError);
    expect(isNotListening(error)).toBe(true);
  });

  it('that was aborted throws the reason and not a fault of the daemon', async () => {
    const signal = AbortSignal.abort();
    const error = await failure(new Transport(socketPath).json(LOCAL_API.status, { signal }));
    expect(error).toMatchObject({ name: 'AbortError' });
  });
});

describe('a download', () => {
  it('streams the bytes, or throws the problem', async () => {
    answer = 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc';
    const chunks: Buffer[] = [];
    for await (const chunk of await new Transport(socketPath).stream('/f?x=1')) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe('abc');
    answer = 'HTTP/1.1 403 no\r\n\r\n{"code":"forbidden","detail":"expired"}';
    expect(await failure(new Transport(socketPath).stream('/f'))).toMatchObject({ code: 'forbidden' });
    answer = 'HTTP/1.1 403 no\r\ncontent-length: 99\r\n\r\n{"code"';
    expect(await failure(new Transport(socketPath).stream('/f'))).toMatchObject({ code: 'unreachable' });
  });
});
