// HTTP over a Unix socket, answers as values, problems as QwexError. Knows nothing of runs.
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { fillPath, type Route, VERSION_HEADER } from '../api.ts';
import { ERROR_CODES, type ErrorCode, isErrno, QwexError } from '../errors.ts';
import type { Problem } from '../schemas/run.ts';
import { VERSION } from '../version.ts';

export interface RequestOptions {
  params?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

export interface Answer<T> {
  status: number;
  data: T;
  /** The daemon's version, when it said one. */
  version: string | undefined;
}

export class Transport {
  readonly socketPath: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** Asks for a row of the API. Throws what the daemon answered, or `unreachable` when none answers. */
  async json<T>(route: Route, options: RequestOptions = {}): Promise<Answer<T>> {
    const response = await this.send(route.method, pathOf(route, options), options);
    const text = await readAll(response);
    const version = response.headers[VERSION_HEADER];
    const status = response.statusCode ?? 0;
    if (status >= 400) throw problemOf(text, status, route);
    return {
      status,
      data: text === '' ? (undefined as T) : (JSON.parse(text) as T),
      version: String(version ?? '') || undefined,
    };
  }

  /** The body as a stream, for downloads. `path` is a path on the server, its query included. */
  async stream(path: string, signal?: AbortSignal): Promise<IncomingMessage> {
    const response = await this.send('get', path, { signal });
    const status = response.statusCode ?? 0;
    if (status >= 400) throw problemOf(await readAll(response), status, { method: 'get', path });
    return response;
  }

  close(): void {
    this.#agent.destroy();
  }

  private send(method: string, path: string, { body, signal }: RequestOptions): Promise<IncomingMessage> {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      // Without a name of its own the agent derives one for TLS, and compiles the regular expressions of all IPv6
      // addresses for it: milliseconds of a command that takes forty.
      const noTlsName = { servername: '' };
      const request = httpRequest({
        ...noTlsName,
        socketPath: this.socketPath,
        agent: this.#agent,
        method: method.toUpperCase(),
        path,
        signal,
        headers: {
          host: 'localhost',
          [VERSION_HEADER]: VERSION,
          ...(payload && { 'content-type': 'application/json', 'content-length': payload.length }),
        },
      });
      request.once('response', resolve);
      request.once('error', (error) => reject(unreachable(error, this.socketPath)));
      request.end(payload);
    });
  }
}

/** True when nobody listens: a daemon may be started and the request sent again. */
export function isNotListening(error: unknown): boolean {
  return (
    error instanceof QwexError &&
    error.code === 'unreachable' &&
    isErrno(error.cause, 'ENOENT', 'ECONNREFUSED')
  );
}

function unreachable(cause: Error, socketPath: string): Error {
  if (cause.name === 'AbortError') return cause;
  return new QwexError({
    code: 'unreachable',
    message: `the connection to the qwex daemon at ${socketPath} failed: ${cause.message}`,
    hint: 'qwex daemon status',
    cause,
  });
}

function pathOf(route: Route, { params, query }: RequestOptions): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {}))
    if (value !== undefined) search.set(key, String(value));
  const suffix = search.toString();
  return fillPath(route, params) + (suffix === '' ? '' : `?${suffix}`);
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function problemOf(text: string, status: number, route: Route): QwexError {
  let problem: Partial<Problem> = {};
  try {
    problem = JSON.parse(text) as Partial<Problem>;
  } catch {
    problem = { detail: `the daemon answered ${status} to ${route.method.toUpperCase()} ${route.path}` };
  }
  const known = problem.code !== undefined && problem.code in ERROR_CODES;
  return new QwexError({
    code: known ? (problem.code as ErrorCode) : 'internal',
    message: problem.detail ?? `the daemon answered ${status}`,
    hint: problem.hint,
    details: problem.details,
  });
}
