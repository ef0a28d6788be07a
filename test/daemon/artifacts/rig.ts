// A space and a run folder in a temporary place, and a collector that is stopped with them.

import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArtifactCollector, type CollectRequest } from '../../../daemon/artifacts/collector.ts';
import type { PoolOptions } from '../../../daemon/artifacts/worker-pool.ts';

export class Rig implements AsyncDisposable {
  readonly root: string;
  readonly space: string;
  readonly runDir: string;
  readonly collector: ArtifactCollector;

  constructor({ spaceBase = tmpdir(), ...options }: PoolOptions & { spaceBase?: string } = {}) {
    this.root = fs.mkdtempSync(join(tmpdir(), 'qwex-artifacts-'));
    this.space = fs.mkdtempSync(join(spaceBase, 'qwex-space-'));
    this.runDir = join(this.root, 'run');
    fs.mkdirSync(this.runDir);
    this.collector = new ArtifactCollector(options);
  }

  get filesDir(): string {
    return join(this.runDir, 'files');
  }

  get manifestFile(): string {
    return join(this.runDir, 'artifacts.json');
  }

  write(path: string | Buffer, content: string | Buffer = 'x'): void {
    const full = Buffer.concat([Buffer.from(`${this.space}/`), Buffer.from(path)]);
    fs.mkdirSync(full.subarray(0, full.lastIndexOf('/')), { recursive: true });
    fs.writeFileSync(full, content);
  }

  /** Runs a shell command in the space. */
  sh(command: string): void {
    execFileSync('sh', ['-ec', command], { cwd: this.space });
  }

  request(options: Partial<CollectRequest> = {}): CollectRequest {
    const { space, filesDir, manifestFile } = this;
    return {
      space,
      filesDir,
      manifestFile,
      watchDirectories: ['out'],
      ignorePatterns: [],
      maxFileBytes: 1_000_000_000,
      unchanged: new Set(),
      ...options,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.collector.stop();
    for (const path of [this.root, this.space]) fs.rmSync(path, { recursive: true, force: true });
  }
}
