// Answers on a connection outside of any route: to what is no request, and to who is refused while still sending.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Problem } from '../../shared/schemas/run.ts';

/** What still comes after a refusal is read and thrown away for so long: hanging up on it would take the answer along. */
const LINGER_MS = 1000;
const LINGER_BYTES = 64 * 1024 * 1024;

/**
 * The problem as the last thing on a connection that has no answer under way. What comes behind it may be refused once
 * more, and changes nothing.
 */
export function refuse(socket: Duplex, problem: Problem): void {
  if (socket.writableEnded) return;
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  linger(socket);
}

/** Throws away what comes until the other side hangs up, a second has passed or it is too much; then hangs up. */
function linger(socket: Duplex): void {
  let bytes = 0;
  const limit = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > LINGER_BYTES) socket.destroy();
  });
  socket.once('end', () => socket.destroy());
  socket.once('close', () => clearTimeout(limit));
  socket.resume();
}

/**
 * Who asks for the connection to be closed and is answered before the whole body was read would lose the answer with
 * the connection: it is closed only behind the body.
 */
export function closeBehindBody(request: IncomingMessage, response: ServerResponse): void {
  if (response.shouldKeepAlive || request.complete) return;
  response.shouldKeepAlive = true;
  response.once('finish', () => {
    if (request.complete) request.socket.end();
    else request.once('end', () => request.socket.end());
  });
}
