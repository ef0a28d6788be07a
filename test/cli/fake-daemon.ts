// A server on a Unix socket that answers as a test says, and remembers what it was asked. It stands in for the daemon
// where the test is about what the CLI asks for and what it makes of the answer.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Problem, Run } from '../../shared/schemas/run.ts';
import { VERSION } from '../../shared/version.ts';

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
}

export interface FakeAnswer {
  status?: number;
  json?: unknown;
  bytes?: Buffer;
}

type Route = (asked: Asked) => FakeAnswer;
type Watch = (socket: WebSocket, query: URLSearchParams) => void;

export class FakeDaemon implements AsyncDisposable {
  readonly home: string;
  readonly asked: Asked[] = [];
  version = VERSION;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #routes = new Map<string, Route>();
  #watch: Watch = (socket) => socket.close();

  private constructor(home: string) {
    this.home = home;
    this.#server = createServer((request, response) => {
      this.#answer(request).then(
        ({ status = 200, json, bytes }) => {
          const body = bytes ?? Buffer.from(JSON.stringify(json));
          response
            .writeHead(status, { 'content-length': body.length, 'qwex-version': this.version })
            .end(body);
        },
        (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
      );
    });
    this.#server.on('upgrade', (request, socket, head) => {
      const { searchParams } = new URL(request.url ?? '', 'http://localhost');
      this.#sockets.handleUpgrade(request, socket, head, (client) => this.#watch(client, searchParams));
    });
  }

  static async start(): Promise<FakeDaemon> {
    const daemon = new FakeDaemon(await mkdtemp(join(tmpdir(), 'qwex-cli-')));
    await new Promise<void>((resolve) => daemon.#server.listen(join(daemon.home, 'daemon.sock'), resolve));
    return daemon;
  }

  /** `on('GET /api/v1/runs', …)`; what nothing answers is a 404. */
  on(route: string, answer: Route | FakeAnswer): this {
    this.#routes.set(route, typeof answer === 'function' ? answer : () => answer);
    return this;
  }

  /** Every GET, wait and list of these runs; ids resolve as they are, by name, or by `@`. */
  withRuns(...runs: Run[]): this {
    this.on('GET /api/v1/runs', { json: { runs, nextCursor: null } });
    for (const run of runs) {
      for (const id of [run.id, run.name, run === runs[0] ? '@' : null]) {
        if (id === null) continue;
        this.on(`GET /api/v1/runs/${id}`, { json: run }).on(`GET /api/v1/runs/${id}/wait`, { json: run });
      }
    }
    return this;
  }

  onWatch(watch: Watch): this {
    this.#watch = watch;
    return this;
  }

  async #answer(request: IncomingMessage): Promise<FakeAnswer> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const body = await text(request);
    const asked: Asked = {
      method: request.method ?? '',
      path: decodeURIComponent(pathname),
      query: searchParams,
      body: body === '' ? undefined : JSON.parse(body),
    };
    this.asked.push(asked);
    const route = this.#routes.get(`${asked.method} ${asked.path}`);
    return route
      ? route(asked)
      : problem(404, 'not_found', `no run has the id or name "${asked.path.split('/').at(-1)}"`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.home, { recursive: true });
  }
}

export function problem(status: number, code: string, detail: string): FakeAnswer {
  const json: Problem = { type: 'about:blank', title: code, status, code, detail, hint: 'qwex list --all' };
  return { status, json };
}
