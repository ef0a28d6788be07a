// Follows one run over a WebSocket and survives the loss of the connection: it goes on at the byte where it was cut.
import type WebSocket from 'ws';
import { API, fillPath, VERSION_HEADER } from '../api.ts';
import { QwexError } from '../errors.ts';
import { decodeOutput, type OutputChunk, type StreamName } from '../output-frame.ts';
import type { Run } from '../schemas/run.ts';
import type { WatchMessage } from '../schemas/watch.ts';
import { VERSION } from '../version.ts';

export type WatchItem =
  | { type: 'run'; run: Run }
  | ({ type: 'output' } & OutputChunk)
  | { type: 'gap'; stream: StreamName; offset: number }
  | { type: 'end'; run: Run }
  /** The daemon went away; following goes on by itself when it is back. */
  | { type: 'disconnected'; stopped: boolean }
  | { type: 'reconnected' };

export interface WatchOptions {
  /** Byte offsets to begin at; negative: the last lines, see `tailLines`. */
  offsets?: Partial<Record<StreamName, number>>;
  /** Begin with this many last lines of each stream instead of everything. */
  tailLines?: number;
  signal?: AbortSignal | undefined;
}

interface Connection {
  socketPath: string;
  id: string;
  /** Makes a daemon answer again. `stopped`: someone stopped it on purpose, so wait instead of starting one. */
  revive: (stopped: boolean, signal: AbortSignal | undefined) => Promise<void>;
}

/** Close codes of RFC 6455: going away (stopped on purpose), service restart, and the closes of ours (4000 + HTTP). */
const GOING_AWAY = 1001;
const SERVICE_RESTART = 1012;
const NORMAL = 1000;
/** The most that may wait here for a slow consumer before the socket is paused. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

export async function* watchRun(
  connection: Connection,
  options: WatchOptions = {},
): AsyncGenerator<WatchItem, void> {
  const offsets: Partial<Record<StreamName, number>> = { ...options.offsets };
  let tailLines = options.tailLines;
  for (let first = true; ; first = false) {
    const session = await openSession(connection, { offsets, tailLines }, options.signal);
    if (!first) yield { type: 'reconnected' };
    for await (const item of session.items()) {
      if (item.type === 'output') offsets[item.stream] = item.offset + item.data.length;
      if (item.type === 'gap') offsets[item.stream] = item.offset;
      yield item;
      if (item.type === 'end') return;
      tailLines = undefined;
    }
    if (options.signal?.aborted) return;
    const { code, reason } = session.closed();
    if (code >= 4000)
      throw new QwexError({ code: 'internal', message: reason || `the daemon closed the watch (${code})` });
    const stopped = code === GOING_AWAY;
    yield { type: 'disconnected', stopped };
    await connection.revive(stopped || code === SERVICE_RESTART, options.signal);
  }
}

interface Session {
  items(): AsyncGenerator<WatchItem, void>;
  closed(): { code: number; reason: string };
}

async function openSession(
  { socketPath, id }: Connection,
  { offsets, tailLines }: { offsets: Partial<Record<StreamName, number>>; tailLines: number | undefined },
  signal: AbortSignal | undefined,
): Promise<Session> {
  const { WebSocket } = await import('ws');
  const query = new URLSearchParams();
  for (const [stream, offset] of Object.entries(offsets)) query.set(stream, String(offset));
  if (tailLines !== undefined) query.set('tail', String(tailLines));
  const socket = new WebSocket(`ws+unix:${socketPath}:${fillPath(API.watch, { id })}?${query}`, {
    headers: { host: 'localhost', [VERSION_HEADER]: VERSION },
    perMessageDeflate: false,
    maxPayload: 8 * 1024 * 1024,
  });
  return new SocketSession(socket, signal);
}

/** The frames of one connection as a pull: the socket is paused while the consumer is behind. */
class SocketSession implements Session {
  readonly #socket: WebSocket;
  readonly #queue: WatchItem[] = [];
  #queuedBytes = 0;
  #wake: (() => void) | undefined;
  #close: { code: number; reason: string } | undefined;

  constructor(socket: WebSocket, signal: AbortSignal | undefined) {
    this.#socket = socket;
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#receive(data, isBinary));
    socket.on('error', () => socket.terminate());
    socket.on('close', (code, reason) => {
      this.#close = { code, reason: reason.toString('utf8') };
      this.#wake?.();
    });
    signal?.addEventListener('abort', () => socket.close(NORMAL), { once: true });
    if (signal?.aborted) socket.terminate();
  }

  async *items(): AsyncGenerator<WatchItem, void> {
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

  closed(): { code: number; reason: string } {
    return this.#close ?? { code: NORMAL, reason: '' };
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const item: WatchItem = isBinary
      ? { type: 'output', ...decodeOutput(data) }
      : (JSON.parse(data.toString('utf8')) as WatchMessage);
    this.#queue.push(item);
    this.#queuedBytes += data.length;
    if (this.#queuedBytes > MAX_BUFFERED_BYTES) this.#socket.pause();
    this.#wake?.();
  }

  #release(item: WatchItem): void {
    if (item.type === 'output') this.#queuedBytes -= item.data.length;
    if (this.#queuedBytes <= MAX_BUFFERED_BYTES / 2 && this.#socket.isPaused) this.#socket.resume();
    if (this.#queue.length === 0) this.#queuedBytes = 0;
  }
}
