// Follows one run over a WebSocket and survives the loss of the connection: it goes on at the byte where it was cut.
import type { IncomingMessage } from 'node:http';
import type WebSocket from 'ws';
import { API, fillPath, VERSION_HEADER } from '../api.ts';
import { messageOf, QwexError } from '../errors.ts';
import { decodeOutput, type OutputChunk, type StreamName } from '../output-frame.ts';
import type { Run } from '../schemas/run.ts';
import type { WatchMessage } from '../schemas/watch.ts';
import { VERSION } from '../version.ts';
import { LocalLogs } from './local-logs.ts';
import { problemOf, readAll } from './transport.ts';
import { openWebSocket } from './unix-websocket.ts';

export type WatchItem =
  | { type: 'run'; run: Run }
  | ({ type: 'output' } & OutputChunk)
  | { type: 'gap'; stream: StreamName; offset: number }
  | { type: 'end'; run: Run }
  /** The daemon went away; following goes on by itself when it is back. */
  | { type: 'disconnected'; stopped: boolean }
  | { type: 'reconnected' };

export interface WatchOptions {
  /** Byte offsets to begin at. */
  offsets?: Partial<Record<StreamName, number>>;
  /** Begin with this many last lines of each stream instead of everything. */
  tailLines?: number;
  /** The data of an item may be overwritten as soon as the next one is asked for: half the time for a long log. */
  reuseMemory?: boolean;
  signal?: AbortSignal | undefined;
}

interface Connection {
  socketPath: string;
  id: string;
  /** Makes a daemon answer again. `stopped`: someone stopped it on purpose, so wait instead of starting one. */
  revive: (stopped: boolean, signal: AbortSignal | undefined) => Promise<void>;
  /** The run's folder is on this machine: its logs are read from there, if that is allowed. */
  isLocal?: boolean;
}

type SessionItem = WatchItem | Extract<WatchMessage, { type: 'written' }>;

/** Close codes of RFC 6455. */
const NORMAL = 1000;
/** The daemon was stopped on purpose. */
const GOING_AWAY = 1001;
const NO_STATUS = 1005;
/** The connection was cut, or there was none. */
const ABNORMAL = 1006;
const SERVICE_RESTART = 1012;
/** After these the run can be followed further on another connection; any other would come again. */
const LOST = new Set([NORMAL, GOING_AWAY, NO_STATUS, ABNORMAL, SERVICE_RESTART]);
/** The most that may wait here for a slow consumer before the socket is paused. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

/** Throws what the daemon refuses the watch with: `not_found`, `ambiguous`, `internal`, … */
export async function* watchRun(
  connection: Connection,
  options: WatchOptions = {},
): AsyncGenerator<WatchItem, void> {
  const place = new Place(connection, options);
  const logs = new LocalLogs({ reuseMemory: options.reuseMemory ?? false });
  try {
    yield* follow(connection, { place, logs, signal: options.signal });
  } finally {
    await logs.close();
  }
}

interface Following {
  place: Place;
  logs: LocalLogs;
  signal: AbortSignal | undefined;
}

async function* follow(
  connection: Connection,
  { place, logs, signal }: Following,
): AsyncGenerator<WatchItem, void> {
  let isBack = false;
  for (;;) {
    const session = await openSession(connection.socketPath, place, signal);
    if (isBack) yield { type: 'reconnected' };
    isBack = false;
    for await (const item of session.items()) {
      if (item.type === 'written') {
        if (!(await logs.canRead(item.stream))) break;
        for await (const chunk of logs.read(item)) {
          if (signal?.aborted) return;
          yield place.pass({ type: 'output', ...chunk });
        }
        continue;
      }
      place.pass(item);
      if (item.type === 'run') await logs.enter(item.run.directory);
      // Only tells the place where the output begins.
      if (item.type === 'output' && item.data.length === 0) continue;
      yield item;
      if (item.type === 'end') return;
    }
    if (signal?.aborted) return;
    if (place.readsLogs && !logs.isReadable) {
      place.readsLogs = false;
      continue;
    }
    const { code, reason, refusal } = session.closed();
    if (refusal && refusal.code !== 'unreachable') throw refusal;
    if (!LOST.has(code))
      throw new QwexError({
        code: 'internal',
        message: `the daemon closed the watch (${code}${reason === '' ? '' : `: ${reason}`})`,
        hint: 'qwex daemon logs',
      });
    const stopped = code === GOING_AWAY;
    yield { type: 'disconnected', stopped };
    await connection.revive(stopped || code === SERVICE_RESTART, signal);
    isBack = true;
  }
}

/** Where a reader is: in which run of a chain of retries, and at which byte of its streams. */
class Place {
  /** The daemon needn't send the output itself. */
  readsLogs: boolean;
  readonly #tailLines: number | undefined;
  #id: string;
  #isKnown = false;
  #offsets: Partial<Record<StreamName, number>>;

  constructor({ id, isLocal = false }: Connection, { offsets, tailLines }: WatchOptions) {
    this.readsLogs = isLocal;
    this.#id = id;
    this.#offsets = { ...offsets };
    this.#tailLines = tailLines;
  }

  /** Path and query that go on from here. */
  get path(): string {
    const query = new URLSearchParams();
    for (const [stream, offset] of Object.entries(this.#offsets)) query.set(stream, String(offset));
    if (this.#tailLines !== undefined && !this.#isKnown) query.set('tail', String(this.#tailLines));
    if (this.readsLogs) query.set('output', 'lengths');
    return `${fillPath(API.watch, { id: this.#id })}?${query}`;
  }

  pass(item: WatchItem): WatchItem {
    if (item.type === 'output') this.#offsets[item.stream] = item.offset + item.data.length;
    if (item.type === 'gap') this.#offsets[item.stream] = item.offset;
    if (item.type !== 'run') return item;
    // A name or `@` may mean another run by the time of the next connection. The bytes of a retry are its own.
    if (this.#isKnown && item.run.id !== this.#id) this.#offsets = {};
    this.#id = item.run.id;
    this.#isKnown = true;
    return item;
  }
}

interface Session {
  items(): AsyncGenerator<SessionItem, void>;
  closed(): Closed;
}

interface Closed {
  code: number;
  reason: string;
  /** What the daemon answered instead of a WebSocket. */
  refusal?: QwexError;
}

async function openSession(
  socketPath: string,
  { path }: Place,
  signal: AbortSignal | undefined,
): Promise<Session> {
  const socket = await openWebSocket(socketPath, path, {
    headers: { [VERSION_HEADER]: VERSION },
    perMessageDeflate: false,
    maxPayload: 8 * 1024 * 1024,
  });
  return new SocketSession(socket, signal);
}

/** The frames of one connection as a pull: the socket is paused while the consumer is behind. */
class SocketSession implements Session {
  readonly #socket: WebSocket;
  readonly #queue: SessionItem[] = [];
  #queuedBytes = 0;
  #wake: (() => void) | undefined;
  #close: Closed | undefined;
  #refusal: QwexError | undefined;

  constructor(socket: WebSocket, signal: AbortSignal | undefined) {
    this.#socket = socket;
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#receive(data, isBinary));
    socket.on('error', () => socket.terminate());
    socket.on('unexpected-response', (_, response) => void this.#takeRefusal(response));
    socket.on('close', (code, reason) => {
      this.#close = {
        code,
        reason: reason.toString('utf8'),
        ...(this.#refusal && { refusal: this.#refusal }),
      };
      this.#wake?.();
    });
    signal?.addEventListener('abort', () => socket.close(NORMAL), { once: true });
    if (signal?.aborted) socket.terminate();
  }

  async *items(): AsyncGenerator<SessionItem, void> {
    try {
      for (;;) {
        const item = this.#queue.shift();
        if (item) {
          this.#release(item);
          yield item;
        } else if (this.#close) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      if (!this.#close) this.#socket.terminate();
    }
  }

  closed(): Closed {
    return this.#close ?? { code: NORMAL, reason: '' };
  }

  /** An answer that is no WebSocket, whole; then the connection is of no more use. */
  async #takeRefusal(response: IncomingMessage): Promise<void> {
    // An answer that is cut short is a lost connection like any other; it will be given again.
    const body = await readAll(response).catch(() => null);
    if (body !== null) this.#refusal = problemOf(body, response.statusCode ?? 0, API.watch);
    this.#socket.terminate();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    let item: SessionItem;
    try {
      item = isBinary
        ? { type: 'output', ...decodeOutput(data) }
        : (JSON.parse(data.toString('utf8')) as WatchMessage);
    } catch (error) {
      this.#refusal = new QwexError({
        code: 'internal',
        message: `the daemon sent a frame that is none: ${messageOf(error)}`,
        hint: 'CLI and daemon may be of different versions: qwex daemon restart',
        cause: error,
      });
      this.#socket.terminate();
      return;
    }
    this.#queue.push(item);
    this.#queuedBytes += data.length;
    if (this.#queuedBytes > MAX_BUFFERED_BYTES) this.#socket.pause();
    this.#wake?.();
  }

  #release(item: SessionItem): void {
    if (item.type === 'output') this.#queuedBytes -= item.data.length;
    if (this.#queuedBytes <= MAX_BUFFERED_BYTES / 2 && this.#socket.isPaused) this.#socket.resume();
    if (this.#queue.length === 0) this.#queuedBytes = 0;
  }
}
