// WebSockets whose other end sends frames of nonsense, or sends and never reads: they are closed, nothing grows, and
// the daemon goes on.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { API, fillPath } from '../../shared/api.ts';
import { Rig } from '../rig/rig.ts';
import { cases, timeLimit } from './settings.ts';
import { World } from './world.ts';

test(
  'frames of nonsense close a watch or a stream of events, and nothing else',
  async () => {
    await using rig = await Rig.start();
    const world = await World.start(rig);
    const paths = [
      fillPath(API.watch, { id: 'held' }),
      fillPath(API.watch, { id: 'ended' }),
      `${API.events.path}?since=0`,
    ];
    const frame = fc.record({
      first: fc.nat(255),
      length: fc.oneof(fc.nat(125), fc.constantFrom(126, 127)),
      isMasked: fc.boolean(),
      rest: fc.uint8Array({ maxLength: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.array(frame, { maxLength: 5 }), async (path, frames) => {
        const socket = await upgraded(rig.paths.socket, path);
        for (const { first, length, isMasked, rest } of frames)
          socket.write(Buffer.concat([Buffer.of(first, length | (isMasked ? 0x80 : 0)), rest]));
        socket.end();
        socket.resume();
        await closed(socket);
      }),
      cases(100),
    );
    await world.check();
  },
  timeLimit(60),
);

test('who sends pings and reads no answer is hung up on before they pile up', async () => {
  await using rig = await Rig.start();
  const world = await World.start(rig);
  const socket = await upgraded(rig.paths.socket, `${API.events.path}?since=0`);
  socket.pause();
  const ping = Buffer.concat([Buffer.of(0x89, 0x80 | 125, 0, 0, 0, 0), randomBytes(125)]);
  const many = Buffer.concat(Array.from({ length: 8000 }, () => ping));
  const gone = closed(socket);
  // 100 MB of them: more than any two buffers of the system hold.
  for (let sent = 0; sent < 100 && !socket.destroyed; sent += 1) {
    if (!socket.write(many)) await Promise.race([drained(socket), gone]);
  }
  await world.check({ growthMb: 60 });
  expect(socket.destroyed).toBe(true);
});

/** A connection that has become a WebSocket. */
async function upgraded(socketPath: string, path: string): Promise<Socket> {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  // Hung up on: what is looked for.
  socket.on('error', () => undefined);
  const fields = ['upgrade: websocket', 'connection: upgrade', 'sec-websocket-version: 13'];
  const key = `sec-websocket-key: ${randomBytes(16).toString('base64')}`;
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n${[...fields, key].join('\r\n')}\r\n\r\n`);
  const [first] = (await once(socket, 'data')) as [Buffer];
  expect(first.toString('latin1', 0, 12)).toBe('HTTP/1.1 101');
  return socket;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.destroyed ? resolve() : socket.once('close', () => resolve())));
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('drain', () => resolve()));
}
