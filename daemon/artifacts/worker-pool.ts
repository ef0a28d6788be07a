// A few worker threads, started when there is work and ended when there has been none for a while: an idle
// daemon pays nothing for them. Must never leave a caller waiting: a worker that dies fails its request.

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { QwexError } from '../../shared/errors.ts';
import type { Answers, FromWorker, Kind, Requests, ToWorker } from './worker-messages.ts';

const MOST_WORKERS = 4;
const IDLE_MS = 5_000;

export interface PoolOptions {
  /** The worker's entry; by default next to this file, in the sources and in the bundle. */
  workerUrl?: URL;
  workers?: number;
  idleMs?: number;
}

export interface Call<K extends Kind> {
  kind: K;
  request: Requests[K];
  signal?: AbortSignal | undefined;
  onProgress?: ((bytes: number) => void) | undefined;
}

interface Task {
  message: ToWorker;
  signal: AbortSignal | undefined;
  onProgress: ((bytes: number) => void) | undefined;
  settle: (result: FromWorker) => void;
}

export class WorkerPool {
  readonly size: number;
  readonly #url: URL;
  readonly #idleMs: number;
  readonly #waiting: Task[] = [];
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  #idleTimer: NodeJS.Timeout | undefined;

  constructor({ workerUrl = defaultUrl(), workers, idleMs = IDLE_MS }: PoolOptions = {}) {
    this.#url = workerUrl;
    this.#idleMs = idleMs;
    this.size = workers ?? Math.min(MOST_WORKERS, availableParallelism());
  }

  /** Rejects with the worker's error, or with the signal's reason; an aborted request stops where it is. */
  call<K extends Kind>({ kind, request, signal, onProgress }: Call<K>): Promise<Answers[K]> {
    return new Promise((resolve, reject) => {
      const settle = (result: FromWorker) => {
        if (result.kind === 'done') resolve(result.value as Answers[K]);
        else if (result.kind === 'refused') reject(new QwexError(result.fields));
        else if (result.kind === 'failed') reject(result.error);
      };
      this.#waiting.push({ message: { kind, request } as ToWorker, signal, onProgress, settle });
      this.#next();
    });
  }

  /** Ends all workers; what they were doing is rejected. Idempotent; a later call starts new ones. */
  async stop(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const stopped: FromWorker = { kind: 'failed', error: new Error('the artifact workers are stopped') };
    for (const task of this.#waiting.splice(0)) task.settle(stopped);
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#idle.pop() ?? this.#start();
      if (worker === undefined) return;
      const task = this.#waiting.shift();
      if (task !== undefined) this.#run(worker, task);
    }
  }

  #start(): Worker | undefined {
    if (this.#all.size >= this.size) return undefined;
    // The daemon's own flags may not suit a thread (`--input-type` makes it fail).
    const worker = new Worker(this.#url, { name: 'artifacts', execArgv: [] });
    this.#all.add(worker);
    worker.once('exit', () => this.#forget(worker));
    return worker;
  }

  #run(worker: Worker, task: Task): void {
    const { message, signal, onProgress, settle } = task;
    worker.ref();
    const finish = (result: FromWorker) => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      signal?.removeEventListener('abort', onAbort);
      settle(result);
    };
    const onMessage = (answer: FromWorker) => {
      if (answer.kind === 'progress') {
        onProgress?.(answer.bytes);
        return;
      }
      finish(answer);
      this.#release(worker);
    };
    const onError = (error: unknown) => finish({ kind: 'failed', error });
    const onExit = (code: number) => {
      finish({ kind: 'failed', error: new Error(`the artifact worker ended with ${code} in mid-work`) });
    };
    const onAbort = () => {
      finish({ kind: 'failed', error: signal?.reason });
      void worker.terminate();
    };
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    else worker.postMessage(message);
  }

  #release(worker: Worker): void {
    worker.unref();
    this.#idle.push(worker);
    this.#next();
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#endIdle(), this.#idleMs).unref();
  }

  #endIdle(): void {
    for (const worker of this.#idle.splice(0)) void worker.terminate();
  }

  #forget(worker: Worker): void {
    this.#all.delete(worker);
    const at = this.#idle.indexOf(worker);
    if (at !== -1) this.#idle.splice(at, 1);
    this.#next();
  }
}

/** Sources run as they are; the bundle has the worker beside it under the same name. */
function defaultUrl(): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.mjs';
  return new URL(`./artifact-worker${extension}`, import.meta.url);
}
