// The watch of one run: its state at every change, its output from any byte on, then the end. Each stream is pulled
// from its log as fast as the reader takes it, so a slow reader holds one chunk here and nothing more.
import { join } from 'node:path';
import type WebSocket from 'ws';
import { messageOf } from '../../shared/errors.ts';
import { encodeOutput, frameAround, HEADER_BYTES, type StreamName } from '../../shared/output-frame.ts';
import { hasEnded } from '../../shared/run-state.ts';
import type { WatchMessage } from '../../shared/schemas/watch.ts';
import type { FollowOptions } from '../logs/log-follower.ts';
import { readLog } from '../logs/read-log.ts';
import { ReaderBuffers } from '../logs/reader-buffers.ts';
import type { RunRecord } from '../store/record.ts';
import type { ApiContext } from './context.ts';
import { presentRun } from './present.ts';
import { listArtifacts } from './routes/artifacts.ts';

export interface WatchQuery {
  stdout: number | undefined;
  stderr: number | undefined;
  tailLines: number | undefined;
  /** The reader reads the logs itself, and is told only how far they have got. */
  lengthsOnly: boolean;
}

const NORMAL = 1000;
const INTERNAL = 1011;
/** The last lines are looked for in this much: one endless line costs no more. */
const TAIL_LIMIT_BYTES = 1024 * 1024;

export async function serveWatch(
  context: ApiContext,
  socket: WebSocket,
  run: RunRecord,
  query: WatchQuery,
): Promise<void> {
  const gone = new AbortController();
  socket.on('close', () => gone.abort());
  socket.on('error', () => gone.abort());
  const session = new WatchSession(context, socket, gone.signal);
  try {
    let target: RunRecord | undefined = run;
    let offsets: WatchQuery = query;
    while (target && !gone.signal.aborted) {
      const ended = await session.follow(target, offsets);
      target = ended?.retriedBy ? context.store.runs.get(ended.retriedBy) : undefined;
      offsets = { ...query, stdout: 0, stderr: 0, tailLines: undefined };
    }
    if (!gone.signal.aborted) socket.close(NORMAL);
  } catch (error) {
    if (gone.signal.aborted) return;
    context.log.error({ err: error, runId: run.id }, 'watch failed');
    socket.close(INTERNAL, messageOf(error).slice(0, 100));
  }
}

class WatchSession {
  readonly #context: ApiContext;
  readonly #socket: WebSocket;
  readonly #gone: AbortSignal;

  constructor(context: ApiContext, socket: WebSocket, gone: AbortSignal) {
    this.#context = context;
    this.#socket = socket;
    this.#gone = gone;
  }

  /** Sends everything of one run. Resolves to it once it has ended, or undefined when the reader left. */
  async follow(run: RunRecord, query: WatchQuery): Promise<RunRecord | undefined> {
    const outputDone = new AbortController();
    let shown = '';
    const look = (): RunRecord | undefined => {
      const current = this.#context.store.mustGet(run.id);
      const wire = presentRun(this.#context, current);
      const text = JSON.stringify(wire);
      // The first frame of every run is what it is, of one that has ended too: a reader learns whose output comes.
      if (shown === '' || (text !== shown && !hasEnded(current.phase)))
        this.#send({ type: 'run', run: wire });
      shown = text;
      // Nothing is written after the supervisor's record of the end.
      if (current.phase === 'collecting' || hasEnded(current.phase)) outputDone.abort();
      return hasEnded(current.phase) ? current : undefined;
    };
    const ended = this.#context.hub.until(run.id, look, this.#gone);
    const streams = (['stdout', 'stderr'] as const).map((stream) =>
      this.#stream(run, stream, query, outputDone.signal),
    );
    const [final] = await Promise.all([ended, ...streams]);
    if (!final) return undefined;
    const { artifacts } = await listArtifacts(this.#context, final);
    const wire = presentRun(this.#context, final, artifacts);
    this.#send(final.retriedBy === null ? { type: 'end', run: wire } : { type: 'run', run: wire });
    return final;
  }

  async #stream(run: RunRecord, stream: StreamName, query: WatchQuery, ended: AbortSignal): Promise<void> {
    const file = join(this.#context.folders.directory(run), 'logs', `${stream}.log`);
    const offset = query[stream] ?? (await tailOffset(file, query.tailLines));
    // A reader that is cut off before it has seen a byte goes on here, and not at the beginning.
    if (offset > 0) await this.#sendOutput(encodeOutput({ stream, offset, data: Buffer.alloc(0) }));
    if (query.lengthsOnly) return this.#lengths(stream, file, { offset, ended, signal: this.#gone });
    const buffers = new ReaderBuffers(HEADER_BYTES);
    // One chunk is read while the one before it is sent; a buffer is free again only when its frame is out.
    let sending = Promise.resolve();
    const { follower } = this.#context;
    for await (const chunk of follower.follow(file, { offset, ended, signal: this.#gone, buffers })) {
      await sending;
      if (chunk.gap) this.#send({ type: 'gap', stream, offset: chunk.offset });
      else sending = this.#sendOutput(frameAround({ stream, offset: chunk.offset, data: chunk.data }));
    }
    await sending;
  }

  /** One message on its way at a time: a reader that is behind hears of everything since then at once. */
  async #lengths(stream: StreamName, file: string, options: FollowOptions): Promise<void> {
    for await (const { offset, bytes, gap } of this.#context.follower.lengths(file, options)) {
      await this.#sent(gap ? { type: 'gap', stream, offset } : { type: 'written', stream, offset, bytes });
    }
  }

  #send(message: WatchMessage): void {
    void this.#sent(message);
  }

  /** Resolves when it is out. */
  #sent(message: WatchMessage): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.send(JSON.stringify(message), () => resolve());
    });
  }

  #sendOutput(frame: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.send(frame, { binary: true, compress: false }, () => resolve());
    });
  }
}

/** Where the last lines begin. */
async function tailOffset(file: string, tailLines: number | undefined): Promise<number> {
  if (tailLines === undefined) return 0;
  return (await readLog(file, { tailLines, limitBytes: TAIL_LIMIT_BYTES })).offset;
}
