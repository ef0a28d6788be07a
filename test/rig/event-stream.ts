// Everything that the daemon announced since its first day, over its own event stream; goes on through restarts.
import { API } from '../../shared/api.ts';
import { openWebSocket } from '../../shared/client/unix-websocket.ts';
import { waitForSocket } from '../../shared/client/wait-for-socket.ts';
import type { RunEvent } from '../../shared/schemas/local.ts';
import type { EventsMessage } from '../../shared/schemas/watch.ts';

export class EventStream {
  readonly #socketPath: string;
  readonly #events: RunEvent[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #closed = new AbortController();
  #reading: Promise<void> | undefined;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Resolves to the first event that fits, whether it has come already or not. */
  until(fits: (event: RunEvent) => boolean): Promise<RunEvent> {
    this.#reading ??= this.#read();
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.#events.find(fits);
        if (!found) return;
        this.#watchers.delete(look);
        resolve(found);
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** What has come so far. */
  get events(): readonly RunEvent[] {
    return this.#events;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      await waitForSocket(this.#socketPath, signal);
      if (!signal.aborted) await this.#connection(signal);
    }
  }

  async #connection(signal: AbortSignal): Promise<void> {
    const since = this.#events.at(-1)?.seq ?? 0;
    const socket = await openWebSocket(this.#socketPath, `${API.events.path}?since=${since}`);
    const leave = (): void => socket.terminate();
    signal.addEventListener('abort', leave);
    if (signal.aborted) leave();
    return new Promise((resolve) => {
      socket.on('message', (data: Buffer) => this.#receive(JSON.parse(data.toString('utf8'))));
      // Followed by close, after which we connect again.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        signal.removeEventListener('abort', leave);
        resolve();
      });
    });
  }

  #receive(message: EventsMessage): void {
    if (message.type !== 'event') throw new Error(`the event stream was cut at ${message.seq}`);
    this.#events.push(message.event);
    for (const look of this.#watchers) look();
  }
}
