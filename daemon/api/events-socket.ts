// The stream of all events. The database is the buffer: each reader has a place in it and is sent what comes after as
// fast as it reads, so nobody's slowness grows anything here.
import type WebSocket from 'ws';
import type { EventsMessage } from '../../shared/schemas/watch.ts';
import type { ApiContext } from './context.ts';

const BATCH = 200;

/** `since`: the last event that the reader has; undefined: only what comes. */
export function serveEvents(context: ApiContext, socket: WebSocket, since: number | undefined): void {
  const { events } = context.store;
  const bounds = events.bounds();
  let cursor = since ?? bounds.last;
  let isSending = false;
  const send = (message: EventsMessage) =>
    new Promise<void>((resolve) => socket.send(JSON.stringify(message), () => resolve()));
  const pump = async () => {
    if (isSending) return;
    isSending = true;
    try {
      for (
        let batch = events.since(cursor, BATCH);
        batch.length > 0 && socket.readyState === socket.OPEN;
        batch = events.since(cursor, BATCH)
      ) {
        for (const event of batch) await send({ type: 'event', event });
        cursor = batch.at(-1)?.seq ?? cursor;
      }
    } catch (error) {
      context.log.error({ err: error }, 'sending events failed');
      socket.terminate();
    } finally {
      isSending = false;
    }
  };
  const unlisten = context.hub.onAny(() => void pump());
  socket.on('close', unlisten);
  socket.on('error', unlisten);
  // The reader's place is older than what is kept, or from another database: it has to look at everything anew.
  const isOutOfReach = cursor > bounds.last || (bounds.first > 0 && cursor < bounds.first - 1);
  if (isOutOfReach) {
    cursor = bounds.last;
    void send({ type: 'reset', seq: cursor });
  }
  void pump();
}
