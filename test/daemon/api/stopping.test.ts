// A daemon that stops, and somebody who is still connected.
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { ApiRig } from './rig.ts';

it('turns away who asks on a connection from before, with the word that it stops', async () => {
  const rig = await ApiRig.start();
  const connection = connect(rig.socket);
  await once(connection, 'connect');
  // Answered, so the daemon has seen both connections.
  await rig.ask('/api/v1/runs?limit=1');
  await rig[Symbol.asyncDispose]();
  connection.end('GET /api/v1/runs?limit=1 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n');
  const answer = await text(connection);
  expect(answer).toContain('"code":"unreachable"');
  expect(answer).toContain('"stopping":true');
});
