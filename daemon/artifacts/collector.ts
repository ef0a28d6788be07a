// Collects what a run leaves behind: keeps it, hashes it, writes it down. The work is done in worker threads;
// this only deals it out. Must never follow a link out of a space, nor lose a file without naming it.

import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../shared/errors.ts';
import { fault } from '../fault.ts';
import type { Captured } from './capture.ts';
import { READ_BYTES } from './hash.ts';
import type { Inventory } from './inventory.ts';
import type { Left, LeftRequest } from './left.ts';
import { type Artifact, type Manifest, writeManifest } from './manifest.ts';
import { isBelow, topMost, watchedPath } from './paths.ts';
import { amountIn } from './small.ts';
import { work } from './work.ts';
import type { Answers, Kind, ToWorker } from './worker-messages.ts';
import { type Call, type PoolOptions, WorkerPool } from './worker-pool.ts';

export interface CollectRequest {
  /** Absolute path of the space. */
  space: string;
  /** Relative to the space; a folder, one file, or '.' for everything. What isn't there is fine. */
  watchDirectories: readonly string[];
  ignorePatterns: readonly string[];
  maxFileBytes: number;
  /** Absolute path of the run's `files/`; unfinished copies go to `<filesDir>.partial`. */
  filesDir: string;
  /** Absolute path of the run's `artifacts.json`. */
  manifestFile: string;
  /** Paths, relative to the space, of files that the commit has just the same. */
  unchanged: ReadonlySet<string>;
  signal?: AbortSignal;
  onProgress?: (progress: CollectProgress) => void;
}

export interface CollectProgress {
  hashedFiles: number;
  totalFiles: number;
  hashedBytes: number;
  totalBytes: number;
}

export class ArtifactCollector {
  readonly #pool: WorkerPool;

  constructor(options: PoolOptions = {}) {
    this.#pool = new WorkerPool(options);
  }

  /**
   * Moves the artifacts to `filesDir` and writes the manifest. After a crash or an abort it is called again
   * with the same request, as long as the space is there, and ends with a whole manifest.
   * Throws invalid_config for a bad path or pattern, no_space, or the signal's reason.
   */
  async collect(request: CollectRequest): Promise<Manifest> {
    const watchedPaths = topMost(request.watchDirectories.map(watchedPath));
    const captured = await this.#capture(request, watchedPaths);
    fault('artifacts_moved');
    const found = await this.#inventory(request);
    const artifacts = await this.#hash(request, found);
    const manifest = makeManifest(artifacts, {
      ...captured,
      skipped: [...captured.skipped, ...found.skipped],
    });
    await writeManifest(request.manifestFile, manifest);
    return manifest;
  }

  /** Moves what a run left outside of its watched directories to its `left/`. Throws as `collect`. */
  async keepLeft(request: LeftRequest & { signal?: AbortSignal }): Promise<Left> {
    const { signal, ...rest } = request;
    if (rest.entries.length === 0 && !(await exists(rest.leftDir))) return { kept: [], skipped: [] };
    const found = [...rest.entries.map((entry) => join(rest.space, entry)), rest.leftDir];
    const amount = (await amountIn(found)) === 'much' ? 'much' : 'little';
    return await this.#call(amount, { kind: 'left', request: rest, signal });
  }

  /** Ends the worker threads. Idempotent. */
  async stop(): Promise<void> {
    await this.#pool.stop();
  }

  async #capture(request: CollectRequest, watchedPaths: string[]): Promise<Captured> {
    const { space, ignorePatterns, maxFileBytes, filesDir, unchanged, signal } = request;
    // Most short runs write nothing, or little: they shouldn't wait for a thread to start.
    const amount = await amountIn(watchedPaths.map((path) => join(space, path)));
    if (amount === 'nothing') return { skipped: [], ignored: 0, unchanged: 0 };
    const relevant = [...unchanged].filter((path) => watchedPaths.some((each) => isBelow(path, each)));
    return await this.#call(amount, {
      kind: 'capture',
      request: {
        space,
        watchedPaths,
        ignorePatterns: [...ignorePatterns],
        maxFileBytes,
        filesDir,
        unchanged: new Set(relevant),
      },
      signal,
    });
  }

  /** Several workers go through one tree, and each looks at its share of the files. */
  async #inventory({ filesDir, signal }: CollectRequest): Promise<Inventory> {
    const amount = await amountIn([filesDir]);
    if (amount === 'nothing') return { artifacts: [], large: [], skipped: [] };
    const shares = amount === 'little' ? 1 : this.#pool.size;
    const parts = await Promise.all(
      Array.from({ length: shares }, (_, share) => {
        const request = { root: filesDir, share, shares };
        return this.#call(amount, { kind: 'inventory', request, signal });
      }),
    );
    return {
      artifacts: parts.flatMap(({ artifacts }) => artifacts),
      large: parts.flatMap(({ large }) => large),
      skipped: parts.flatMap(({ skipped }) => skipped),
    };
  }

  async #call<K extends Kind>(amount: 'little' | 'much', call: Call<K>): Promise<Answers[K]> {
    call.signal?.throwIfAborted();
    if (amount === 'much') return await this.#pool.call(call);
    const hasher = { buffer: Buffer.allocUnsafeSlow(READ_BYTES), onBytes: () => undefined };
    return work({ kind: call.kind, request: call.request } as ToWorker, hasher) as Answers[K];
  }

  async #hash({ filesDir, signal, onProgress }: CollectRequest, found: Inventory): Promise<Artifact[]> {
    const { artifacts, large } = found;
    const hashedBytes = sumBytes(artifacts);
    const progress = {
      hashedFiles: artifacts.length,
      totalFiles: artifacts.length + large.length,
      hashedBytes,
      totalBytes: hashedBytes + sumBytes(large),
    };
    const advance = (bytes: number, files: number) => {
      progress.hashedBytes += bytes;
      progress.hashedFiles += files;
      onProgress?.({ ...progress });
    };
    advance(0, 0);
    const hashed = large.map(async ({ path, sizeBytes }) => {
      let unreported = sizeBytes;
      const onBytes = (bytes: number) => {
        unreported -= bytes;
        advance(bytes, 0);
      };
      const request = { root: filesDir, path };
      const artifact = await this.#pool.call({ kind: 'hash', request, signal, onProgress: onBytes });
      advance(unreported, 1);
      return artifact;
    });
    return [...artifacts, ...(await Promise.all(hashed)).filter((artifact) => artifact !== null)];
  }
}

function makeManifest(artifacts: Artifact[], { skipped, ignored, unchanged }: Captured): Manifest {
  const files = artifacts.filter((artifact) => artifact.type === 'file');
  return {
    version: 1,
    artifacts: artifacts.sort(byPath),
    skipped: skipped.sort(byPath),
    totals: {
      files: files.length,
      symlinks: artifacts.length - files.length,
      sizeBytes: sumBytes(files),
      skipped: skipped.length,
      ignored,
      unchanged,
    },
  };
}

function sumBytes(files: readonly { sizeBytes: number }[]): number {
  return files.reduce((sum, file) => sum + file.sizeBytes, 0);
}

function byPath(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : 1;
}

/** False only if it surely isn't there; what can't be looked at is for the worker to judge. */
async function exists(path: string): Promise<boolean> {
  try {
    await fs.lstat(path);
    return true;
  } catch (error) {
    return !isErrno(error, 'ENOENT', 'ENOTDIR');
  }
}
