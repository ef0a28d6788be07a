// WebSockets of a daemon at a Unix socket.
import { connect } from 'node:net';
import type WebSocket from 'ws';
import type { ClientOptions } from 'ws';

/**
 * A WebSocket at `path` (with its query) of whoever listens at `socketPath`, which is not open yet. The socket is no part
 * of a URL: there a blank, a `#` or an `é` in the name of a folder would be read as something else.
 */
export async function openWebSocket(
  socketPath: string,
  path: string,
  options: ClientOptions = {},
): Promise<WebSocket> {
  const { WebSocket: Socket } = await import('ws'); // slow to load
  return new Socket(`ws://localhost${path}`, { ...options, createConnection: () => connect(socketPath) });
}
