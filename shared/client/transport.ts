// HTTP over a Unix socket, answers as values, problems as QwexError. Knows nothing of runs.
import type { IncomingMessage } from 'node:http';
import { fillPath, type Route, VERSION_HEADER } from '../api.ts';
import { ERROR_CODES, type ErrorCode, isErrno, messageOf, QwexError } from '../errors.ts';
import type { Problem } from '../schemas/run.ts';
import { VERSION } from '../version.ts';
import { unixRequest } from './unix-request.ts';

export interface RequestOptions {
  params?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

export interface Answer<T> {
  status: number;
  data: T;
}

type VersionListener = (version: string, isRefusal: boolean) => void;

export class Transport {
  readonly socketPath: string;
  readonly #onVersion: VersionListener;

  /** `onVersion` is told the daemon's version with each answer that carries one, before a refusal is thrown. */
  constructor(socketPath: string, onVersion: VersionListener = () => undefined) {
    this.socketPath = socketPath;
    this.#onVersion = onVersion;
  }

  /** Asks for a row of the API. Throws what the daemon answered, or `unreachable` when none answers. */
  async json<T>(route: Route, options: RequestOptions = {}): Promise<Answer<T>> {
    const { socketPath } = this;
    const payload = options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body));
    const { status, headers, body } = await unixRequest({
      socketPath,
      method: route.method,
      path: pathOf(route, options),
      headers: { [VERSION_HEADER]: VERSION, ...(payload && { 'content-type': 'application/json' }) },
      body: payload,
      signal: options.signal,
    }).catch((error: unknown) => {
      throw unreachable(error, socketPath);
    });
    const text = body.toString('utf8');
    const version = headers[VERSION_HEADER];
    if (version !== undefined) this.#onVersion(version, status >= 400);
    if (status >= 400) throw problemOf(text, status, route);
    return {
      status,
      data: text === '' ? (undefined as T) : (JSON.parse(text) as T),
    };
  }

  /** The body as a stream, for downloads. `path` is a path on the server, its query included. */
  async stream(path: string, signal?: AbortSignal): Promise<IncomingMessage> {
    const { request } = await import('node:http');
    const { socketPath } = this;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { host: 'localhost', [VERSION_HEADER]: VERSION };
      // On a connection of its own: one that was kept from before may just be closing.
      request({ socketPath, path, signal, headers, agent: false })
        .once('response', resolve)
        .once('error', (error) => reject(unreachable(error, socketPath)))
        .end();
    });
    const status = response.statusCode ?? 0;
    if (status < 400) return response;
    const body = await readAll(response).catch((error: unknown) => {
      throw unreachable(error, socketPath);
    });
    throw problemOf(body, status, { method: 'get', path });
  }
}

/** True when nobody listens: a daemon may be started and the request sent again. */
export function isNotListening(error: unknown): boolean {
  return (
    error instanceof QwexError &&
    error.code === 'unreachable' &&
    (isErrno(error.cause, 'ENOENT', 'ECONNREFUSED') || wasCutWhileConnecting(error.cause))
  );
}

/** A daemon that dies with us in its line of new connections: nothing was sent to it yet. */
function wasCutWhileConnecting(cause: unknown): boolean {
  return isErrno(cause, 'ECONNRESET') && cause.syscall === 'connect';
}

function unreachable(cause: unknown, socketPath: string): unknown {
  if (cause instanceof Error && cause.name === 'AbortError') return cause;
  return new QwexError({
    code: 'unreachable',
    message: `the connection to the qwex daemon at ${socketPath} failed: ${messageOf(cause)}`,
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

export async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** The error in a problem body, or one that names the status when there is none. */
export function problemOf(text: string, status: number, route: Route): QwexError {
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
