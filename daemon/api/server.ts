// The HTTP server on the Unix socket, and the WebSocket upgrades.
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  maxHeaderSize,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { getRequestListener, RequestError } from '@hono/node-server';
import { type WebSocket, WebSocketServer } from 'ws';
import { API } from '../../shared/api.ts';
import { isErrno, messageOf, QwexError } from '../../shared/errors.ts';
import type { Problem } from '../../shared/schemas/run.ts';
import { resolveRun } from '../store/selectors.ts';
import { buildApp } from './app.ts';
import type { ApiContext } from './context.ts';
import { serveEvents } from './events-socket.ts';
import { daemonStopping, problemOf, problemResponse } from './problems.ts';
import { closeBehindBody, refuse } from './refuse.ts';
import { serveWatch } from './watch.ts';

const GOING_AWAY = 1001;
const SERVICE_RESTART = 1012;
/** For answers and watchers that don't end by themselves. */
const CLOSE_LIMIT_MS = 2000;
const WATCH_PATH = new RegExp(`^${API.watch.path.replace('{id}', '([^/]+)')}$`);

export class ApiServer {
  readonly #context: ApiContext;
  readonly #http: Server;
  readonly #answering = new Set<ServerResponse>();
  #isClosing = false;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 64 * 1024,
  });

  constructor(context: ApiContext) {
    this.#context = context;
    const answer = getRequestListener(buildApp(context).fetch, {
      errorHandler: (error) => problemResponse(this.#problemOf(error)),
    });
    // Any other protocol that a client offers to speak (h2c) is answered in this one.
    const shouldUpgradeCallback = ({ headers }: IncomingMessage) =>
      headers.upgrade?.toLowerCase() === 'websocket';
    const serve = (request: IncomingMessage, response: ServerResponse) => {
      // On a connection from before. What would answer it is being put away.
      if (this.#isClosing) return this.#refuse(request.socket, daemonStopping());
      this.#answering.add(response);
      response.once('close', () => this.#answering.delete(response));
      closeBehindBody(request, response);
      // On a Unix socket the name of the host means nothing: who has the path is where they want to be.
      request.headers.host = 'localhost';
      void answer(request, response);
    };
    this.#http = createServer({ shouldUpgradeCallback, requireHostHeader: false }, serve);
    // Expectations that we don't know are no reason to refuse (RFC 9110, 10.1.1: a server may ignore them).
    this.#http.on('checkExpectation', serve);
    this.#http.on('checkContinue', (request, response) => {
      // Of a request whose turn to be answered has not come, Node would write it into the middle of the answer.
      if (response.socket !== null) response.writeContinue();
      serve(request, response);
    });
    this.#http.on('connect', (_, socket) =>
      this.#refuse(socket, malformed(new Error('CONNECT is for proxies'))),
    );
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#http.on('clientError', (error, socket) => this.#refuse(socket, malformed(error)));
    this.#sockets.on('wsClientError', (error, socket) => this.#refuse(socket, malformed(error)));
    // A long wait is an answer too; only the headers have to come in time.
    this.#http.requestTimeout = 0;
    this.#http.headersTimeout = 10_000;
  }

  /**
   * Listens on a path that nobody else listens on; the socket is the owner's alone. Also once more, when it was removed:
   * connections that there are stay.
   */
  async listen(socketPath: string): Promise<void> {
    if (this.#http.listening) this.#http.close();
    const listening = once(this.#http, 'listening');
    this.#http.listen(socketPath);
    await listening;
    chmodSync(socketPath, 0o600);
  }

  /** Tells watchers whether to wait or to come back, lets answers in flight finish, and takes no more requests. */
  async close(restart: boolean): Promise<void> {
    this.#isClosing = true;
    for (const socket of this.#sockets.clients) socket.close(restart ? SERVICE_RESTART : GOING_AWAY);
    // Not its callback: a connection without a request is somebody who waits for this process to be gone.
    this.#http.close();
    this.#http.closeIdleConnections();
    const deadline = AbortSignal.timeout(CLOSE_LIMIT_MS);
    const ends = [...this.#answering, ...this.#sockets.clients].map(
      (each) => new Promise<void>((resolve) => each.once('close', resolve)),
    );
    await Promise.race([Promise.all(ends), once(deadline, 'abort')]);
    for (const socket of this.#sockets.clients) socket.terminate();
    for (const response of this.#answering) response.destroy();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    try {
      if (this.#isClosing) throw daemonStopping();
      const serve = this.#route(request);
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on('error', () => webSocket.terminate());
        serve(webSocket);
      });
    } catch (error) {
      this.#refuse(socket, error);
    }
  }

  /** Answers on a connection that has no request yet, or won't have one of ours. */
  #refuse(socket: Duplex, error: unknown): void {
    const isAnswering = [...this.#answering].some((answer) => answer.socket === socket && answer.headersSent);
    // In the middle of an answer, another one would be taken for a part of it.
    if (isAnswering) socket.destroy();
    else refuse(socket, this.#problemOf(error));
  }

  #problemOf(error: unknown): Problem {
    return problemOf(error instanceof RequestError ? malformed(error) : error, this.#context.log);
  }

  #route(request: IncomingMessage): (socket: WebSocket) => void {
    const url = URL.parse(`http://localhost${request.url ?? '/'}`);
    if (!url) throw malformed(new Error(`${JSON.stringify(request.url)} is not a path`));
    if (url.pathname === API.events.path) {
      const since = numberIn(url, 'since');
      return (socket) => serveEvents(this.#context, socket, since);
    }
    const id = WATCH_PATH.exec(url.pathname)?.[1];
    if (id === undefined)
      throw new QwexError({ code: 'not_found', message: `there is no WebSocket at ${url.pathname}` });
    const run = resolveRun(this.#context.store, decodeSegment(id));
    const query = {
      stdout: numberIn(url, 'stdout'),
      stderr: numberIn(url, 'stderr'),
      tailLines: numberIn(url, 'tail'),
      lengthsOnly: wantsLengths(url),
    };
    return (socket) => void serveWatch(this.#context, socket, run, query);
  }
}

/** What a client sent that is no request: a torn header, an unknown method, a WebSocket without a key. */
function malformed(cause: unknown): QwexError {
  const isTooLarge = isErrno(cause, 'HPE_HEADER_OVERFLOW');
  return new QwexError({
    code: isTooLarge ? 'too_large' : 'invalid_request',
    message: isTooLarge
      ? `the head of the request is larger than ${maxHeaderSize / 1024} KiB`
      : `this is not a request: ${messageOf(cause)}`,
    cause,
  });
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    throw new QwexError({
      code: 'invalid_request',
      message: `${JSON.stringify(segment)} is not a valid path segment`,
      cause: error,
    });
  }
}

function wantsLengths(url: URL): boolean {
  const output = url.searchParams.get('output');
  if (output !== null && output !== 'lengths')
    throw new QwexError({
      code: 'invalid_request',
      message: `output must be "lengths" or absent, not ${JSON.stringify(output)}`,
    });
  return output === 'lengths';
}

function numberIn(url: URL, name: string): number | undefined {
  const text = url.searchParams.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw new QwexError({
      code: 'invalid_request',
      message: `${name} must be a whole number, not ${JSON.stringify(text)}`,
    });
  return Number(text);
}
