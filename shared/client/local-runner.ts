// The runner of this machine: speaks to the owner's daemon on its Unix socket and starts one when none answers.
import type { IncomingMessage } from 'node:http';
import { API, LOCAL_API, type Route } from '../api.ts';
import { QwexError } from '../errors.ts';
import { ensureLocalFolder } from '../local-folder.ts';
import { type HomePaths, homeFrom, homePaths } from '../paths.ts';
import type { LocalSubmitRequest, LocalSubmitResponse } from '../schemas/local.ts';
import type {
  ArtifactList,
  ArtifactUrl,
  LogsResponse,
  Run,
  RunPage,
  SubmitRunRequest,
} from '../schemas/run.ts';
import { areCompatible, VERSION } from '../version.ts';
import { startDaemon } from './start-daemon.ts';
import { type Answer, isNotListening, type RequestOptions, Transport } from './transport.ts';
import { waitForSocket } from './wait-for-socket.ts';
import { type WatchItem, type WatchOptions, watchRun } from './watch.ts';

export interface LocalRunnerOptions {
  /** Defaults to `QWEX_HOME`, else `~/.qwex`. */
  home?: string;
  /** Start a daemon when none answers (the default), or throw `unreachable`. */
  autostart?: boolean;
  /** Told once when the daemon is of another version that this client can't be sure to understand. */
  onVersionMismatch?: (daemonVersion: string) => void;
  /** Told when a request has had no answer for so many seconds. It is waited for all the same. */
  onSlow?: (seconds: number) => void;
}

/** Nobody should wonder for longer, though a large repository on a network file system may take more. */
const SLOW_SECONDS = 5;

export interface ListOptions {
  status?: string;
  workspace?: string;
  name?: string;
  /** RFC 3339. */
  since?: string;
  limit?: number;
  cursor?: string;
}

/** Behaviour of a place that runs are sent to. A remote server's runner has the same shape. */
export interface Runner {
  submit(job: SubmitRunRequest): Promise<Run>;
  get(id: string): Promise<Run>;
  cancel(id: string): Promise<Run>;
}

export class LocalRunner implements Runner {
  readonly paths: HomePaths;
  readonly #transport: Transport;
  readonly #autostart: boolean;
  readonly #onVersionMismatch: ((version: string) => void) | undefined;
  readonly #onSlow: ((seconds: number) => void) | undefined;
  #toldMismatch = false;

  constructor(options: LocalRunnerOptions = {}) {
    this.paths = homePaths(options.home ?? homeFrom(process.env));
    // Elsewhere than in the home somebody else could listen there.
    if (this.paths.localReason !== null) ensureLocalFolder(this.paths);
    this.#transport = new Transport(this.paths.socket, (...told) => this.#noticeVersion(...told));
    this.#autostart = options.autostart ?? true;
    this.#onVersionMismatch = options.onVersionMismatch;
    this.#onSlow = options.onSlow;
  }

  /**
   * One request of the API, its answer as it came. A question is asked once more when the connection is lost, as by a
   * daemon that was just dying; to repeat an order is the caller's affair.
   */
  async request<T>(route: Route, options: RequestOptions = {}): Promise<T> {
    const slow = setTimeout(() => this.#onSlow?.(SLOW_SECONDS), SLOW_SECONDS * 1000);
    try {
      const ask = async () => (await this.#ask<T>(route, options)).data;
      return await (route.method === 'get' ? this.#twice(ask) : ask());
    } finally {
      clearTimeout(slow);
    }
  }

  /** Submits a job whose commit is known: the protocol's own request. */
  async submit(job: SubmitRunRequest): Promise<Run> {
    const body = { idempotencyKey: uniqueKey(), ...job };
    return this.#twice(() => this.request<Run>(API.submit, { body }));
  }

  /** Submits from a place in a repository: the daemon finds workspace and commit, and says what the user should know. */
  async submitFrom(request: LocalSubmitRequest): Promise<LocalSubmitResponse> {
    const body: LocalSubmitRequest = { idempotencyKey: uniqueKey(), ...request };
    return this.#twice(() => this.request<LocalSubmitResponse>(LOCAL_API.submitLocal, { body }));
  }

  /** `id`: a full id, a unique prefix or suffix of 4 or more, a name, `@` or `@~N`. */
  get(id: string): Promise<Run> {
    return this.request(API.get, { params: { id } });
  }

  list(options: ListOptions = {}): Promise<RunPage> {
    return this.request(API.list, { query: { ...options } });
  }

  cancel(id: string): Promise<Run> {
    return this.request(API.cancel, { params: { id } });
  }

  /** A new run of the same job, in this environment. */
  rerun(id: string, environment: NodeJS.ProcessEnv = process.env): Promise<Run> {
    const body = { idempotencyKey: uniqueKey(), environment, umask: process.umask() };
    return this.#twice(() => this.request<Run>(LOCAL_API.rerun, { params: { id }, body }));
  }

  /** Resolves when the run and its retries have ended, however long that takes and through daemon restarts. */
  async wait(id: string, signal?: AbortSignal): Promise<Run> {
    // A name or `@` may mean another run by the time that the connection is lost.
    for (let target = (await this.get(id)).id; ; ) {
      try {
        const { status, data } = await this.#ask<Run>(API.wait, {
          params: { id: target },
          query: { timeout: 3600 },
          signal,
        });
        if (status !== 202) return data;
        target = data.id;
      } catch (error) {
        if (signal?.aborted || !(error instanceof QwexError) || error.code !== 'unreachable') throw error;
        // Somebody is stopping the daemon on purpose: wait for the next one instead of starting it.
        await this.#revive(error.details?.stopping === true, signal);
      }
    }
  }

  /** What was and is written, and every change of the run, until it and its retries have ended. */
  watch(id: string, options?: WatchOptions): AsyncGenerator<WatchItem, void> {
    const revive = (stopped: boolean, signal?: AbortSignal) => this.#revive(stopped, signal);
    return watchRun({ socketPath: this.paths.socket, id, revive, isLocal: true }, options);
  }

  logs(
    id: string,
    query: { stream?: string; offset?: number; limit?: number; tail?: number } = {},
  ): Promise<LogsResponse> {
    return this.request(API.logs, { params: { id }, query });
  }

  artifacts(id: string): Promise<ArtifactList> {
    return this.request(API.artifacts, { params: { id } });
  }

  /** The bytes of one artifact, named by its path in the manifest. */
  async openArtifact(id: string, path: string, signal?: AbortSignal): Promise<IncomingMessage> {
    const { url } = await this.request<ArtifactUrl>(API.artifactUrl, { params: { id, name: path } });
    const { pathname, search } = new URL(url, 'http://localhost');
    return this.#transport.stream(pathname + search, signal);
  }

  async #ask<T>(route: Route, options: RequestOptions): Promise<Answer<T>> {
    try {
      return await this.#transport.json<T>(route, options);
    } catch (error) {
      if (!this.#autostart || !isNotListening(error)) throw error;
      await startDaemon(this.paths.home);
      return this.#transport.json<T>(route, options);
    }
  }

  /** For questions, and requests that carry an idempotency key: once more when the connection broke. */
  async #twice<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      if (!this.#autostart || !isUnreachable(error)) throw error;
      return send();
    }
  }

  async #revive(stopped: boolean, signal: AbortSignal | undefined): Promise<void> {
    if (stopped || !this.#autostart) await waitForSocket(this.paths.socket, signal);
    else await startDaemon(this.paths.home);
  }

  /** What any other version refuses, it may not know yet, or not any more. */
  #noticeVersion(version: string, isRefusal: boolean): void {
    const isFine = isRefusal ? version === VERSION : areCompatible(version, VERSION);
    if (isFine || this.#toldMismatch) return;
    this.#toldMismatch = true;
    this.#onVersionMismatch?.(version);
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof QwexError && error.code === 'unreachable';
}

/** For one request and its repetition. Loading node:crypto for a random one would cost more than the request. */
function uniqueKey(): string {
  const random = Math.random().toString(36).slice(2);
  return `${process.pid}-${Date.now()}-${process.hrtime.bigint()}-${random}`;
}
