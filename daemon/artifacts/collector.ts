// Collects what a run leaves behind: keeps it, hashes it, writes it down. The work is done in worker threads;
// this only deals it out. Must never follow a link out of a space, nor lose a file without naming it.

import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../shared/errors.ts';
import { batches } from './batches.ts';
import type { Captured } from './capture.ts';
import type { HashRequest } from './hash.ts';
import type { Inventory } from './inventory.ts';
import type { Left, LeftRequest } from './left.ts';
import { type Artifact, type Manifest, writeManifest } from './manifest.ts';
import { isBelow, topMost, watchedPath } from './paths.ts';
import { type PoolOptions, WorkerPool } from './worker-pool.ts';

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
    const found = await this.#inventory(request);
    const artifacts = [...(await this.#hash(request, found)), ...found.symlinks];
    const manifest = makeManifest(artifacts, captured);
    await writeManifest(request.manifestFile, manifest);
    return manifest;
  }

  /** Moves what a run left outside of its watched directories to its `left/`. Throws as `collect`. */
  async keepLeft(request: LeftRequest & { signal?: AbortSignal }): Promise<Left> {
    const { signal, ...rest } = request;
    if (rest.entries.length === 0 && !(await exists(rest.leftDir))) return { kept: [], skipped: [] };
    return await this.#pool.call({ kind: 'left', request: rest, signal });
  }

  /** Ends the worker threads. Idempotent. */
  async stop(): Promise<void> {
    await this.#pool.stop();
  }

  async #capture(request: CollectRequest, watchedPaths: string[]): Promise<Captured> {
    const { space, ignorePatterns, maxFileBytes, filesDir, unchanged, signal } = request;
    const present = await Promise.all(watchedPaths.map((path) => exists(join(space, path))));
    // Most short runs write nothing: they shouldn't wait for a thread to start.
    if (!present.includes(true)) return { skipped: [], ignored: 0, unchanged: 0 };
    const relevant = [...unchanged].filter((path) => watchedPaths.some((each) => isBelow(path, each)));
    return await this.#pool.call({
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

  async #inventory({ filesDir, signal }: CollectRequest): Promise<Inventory> {
    if (!(await exists(filesDir))) return { folders: [], symlinks: [] };
    return await this.#pool.call({ kind: 'inventory', request: filesDir, signal });
  }

  async #hash({ filesDir, signal, onProgress }: CollectRequest, found: Inventory): Promise<Artifact[]> {
    const files = found.folders.flatMap((folder) => folder.files);
    const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    const progress = { hashedFiles: 0, totalFiles: files.length, hashedBytes: 0, totalBytes };
    const hashBatch = async (request: HashRequest) => {
      let reported = 0;
      const advance = (bytes: number, count: number) => {
        progress.hashedBytes += bytes;
        progress.hashedFiles += count;
        onProgress?.({ ...progress });
      };
      const onBytes = (bytes: number) => {
        reported += bytes;
        advance(bytes, 0);
      };
      const hashed = await this.#pool.call({ kind: 'hash', request, signal, onProgress: onBytes });
      advance(
        hashed.reduce((sum, file) => sum + file.sizeBytes, -reported),
        hashed.length,
      );
      return hashed;
    };
    return (await Promise.all(batches(filesDir, found.folders).map(hashBatch))).flat();
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
      sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
      skipped: skipped.length,
      ignored,
      unchanged,
    },
  };
}

function byPath(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : 1;
}

async function exists(path: string): Promise<boolean> {
  try {
    await fs.lstat(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
