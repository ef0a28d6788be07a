// One HTTP/1.1 request over a Unix socket, on a connection of its own. For the daemon's short JSON answers: node:http
// takes more time to load than all the rest of a command. Downloads and foreign servers are not for this.
import { connect } from 'node:net';

export interface UnixRequest {
  socketPath: string;
  method: string;
  /** With its query; percent-encoded. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: Buffer | undefined;
  signal?: AbortSignal | undefined;
}

export interface UnixResponse {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

/** Throws the socket's error, `ECONNRESET` when the answer is cut, or the signal's reason. */
export function unixRequest(request: UnixRequest): Promise<UnixResponse> {
  const { socketPath, signal } = request;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const received: Buffer[] = [];
    const socket = connect(socketPath);
    const abort = () => finish(signal?.reason);
    const finish = (error: unknown, response?: UnixResponse) => {
      signal?.removeEventListener('abort', abort);
      socket.destroy();
      if (response) resolve(response);
      else reject(error);
    };
    signal?.addEventListener('abort', abort, { once: true });
    const read = (otherwise?: unknown) => {
      try {
        finish(null, parseResponse(Buffer.concat(received)));
      } catch (error) {
        finish(otherwise ?? error);
      }
    };
    // A server that wants no more of the body may have said why before it hung up.
    socket.on('error', read);
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    // The server closes when it has answered, as it is asked to.
    socket.on('end', () => read());
    socket.write(formatRequest(request));
  });
}

function formatRequest({ method, path, headers, body }: UnixRequest): Buffer {
  const fields = { ...headers, host: 'localhost', connection: 'close', 'content-length': body?.length ?? 0 };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${method.toUpperCase()} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  return body === undefined ? head : Buffer.concat([head, body]);
}

/** A whole response. Throws `ECONNRESET` when something of it is missing. */
export function parseResponse(bytes: Buffer): UnixResponse {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) throw cutShort();
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})\b/.exec(statusLine)?.[1]);
  if (!Number.isInteger(status)) throw cutShort();
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const rest = bytes.subarray(headEnd + 4);
  if (headers['transfer-encoding'] === 'chunked') return { status, headers, body: joinChunks(rest) };
  const length = headers['content-length'] === undefined ? rest.length : Number(headers['content-length']);
  if (rest.length < length) throw cutShort();
  return { status, headers, body: rest.subarray(0, length) };
}

/** Chunked coding: a hexadecimal length, CRLF, as many bytes, CRLF; a length of 0 ends it. */
function joinChunks(bytes: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const length = lineEnd === -1 ? Number.NaN : Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const start = lineEnd + 2;
    if (Number.isNaN(length) || start + length > bytes.length) throw cutShort();
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(start, start + length));
    at = start + length + 2;
  }
}

function cutShort(): Error {
  return Object.assign(new Error('the connection was closed before the answer was complete'), {
    code: 'ECONNRESET',
  });
}
