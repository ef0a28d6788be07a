import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createNetServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseResponse, unixRequest } from '../../shared/client/unix-request.ts';

let folder: string;
let socketPath: string;
let server: Server | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qwex-unix-'));
  socketPath = join(folder, 's');
});
afterEach(async () => {
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  server = undefined;
  await rm(folder, { recursive: true });
});

async function listen(created: Server): Promise<void> {
  server = created;
  await new Promise<void>((resolve) => created.listen(socketPath, resolve));
}
const serve = (listener: RequestListener) => listen(createServer(listener));

const get = { method: 'get', path: '/a?b=c', headers: { 'x-test': '1' } };

describe("node's own server", () => {
  test('is sent method, path, headers and body', async () => {
    await serve(async (request, response) => {
      const { method, url, headers } = request;
      response.end(JSON.stringify({ method, url, x: headers['x-test'], body: await text(request) }));
    });
    const { status, body } = await unixRequest({
      ...get,
      method: 'post',
      socketPath,
      body: Buffer.from('é'),
    });
    expect(status).toBe(200);
    expect(JSON.parse(body.toString())).toEqual({ method: 'POST', url: '/a?b=c', x: '1', body: 'é' });
  });

  test('answers with a length', async () => {
    await serve((_, response) =>
      response.writeHead(418, { 'X-Name': ' v ', 'content-length': 3 }).end('abc'),
    );
    const answer = await unixRequest({ ...get, socketPath });
    expect(answer).toMatchObject({ status: 418, headers: { 'x-name': 'v' } });
    expect(answer.body.toString()).toBe('abc');
  });

  test('answers in chunks of any size', async () => {
    const large = 'x'.repeat(300_000);
    await serve((_, response) => {
      response.write('é');
      response.write(large);
      response.end('end');
    });
    expect((await unixRequest({ ...get, socketPath })).body.toString()).toBe(`é${large}end`);
  });

  test('answers without a body', async () => {
    await serve((_, response) => response.writeHead(204).end());
    const answer = await unixRequest({ ...get, socketPath });
    expect([answer.status, answer.body.length]).toEqual([204, 0]);
  });
});

describe('failures', () => {
  test('nobody listens', async () => {
    await expect(unixRequest({ ...get, socketPath })).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('an answer that is cut is no answer', async () => {
    await listen(
      createNetServer((socket) => socket.resume().end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc')),
    );
    await expect(unixRequest({ ...get, socketPath })).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('an abort ends the waiting', async () => {
    const controller = new AbortController();
    await listen(
      createNetServer((socket) =>
        socket.on('data', () => controller.abort()).on('error', () => socket.destroy()),
      ),
    );
    const asked = unixRequest({ ...get, socketPath, signal: controller.signal });
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
    await expect(unixRequest({ ...get, socketPath, signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  test.each([
    '',
    'HTTP/1.1 200 OK\r\n',
    'nonsense\r\n\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
  ])('%j is refused', (bytes) => {
    expect(() => parseResponse(Buffer.from(bytes))).toThrow(/before the answer was complete/);
  });
});
