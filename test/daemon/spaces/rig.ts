// A real repository in a temporary folder, and plain git beside the code under test.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type SpaceRequest, Spaces } from '../../../daemon/spaces/index.ts';

export class Rig {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'qwex-spaces-')));
  readonly root = join(this.folder, 'repo');
  readonly commonDir = join(this.root, '.git');
  readonly reports: string[] = [];
  readonly spaces = this.daemon();

  /** As another daemon would have it. */
  daemon(): Spaces {
    return new Spaces({
      folder: join(this.folder, 'trash'),
      report: (line) => this.reports.push(line),
      pool: { folder: join(this.folder, 'pool'), most: () => 2 },
    });
  }

  static withCommit(files: Record<string, string> = { 'a.txt': 'one\n' }): Rig {
    const rig = new Rig();
    rig.init();
    rig.commit(files);
    return rig;
  }

  init(at = this.root): void {
    mkdirSync(at, { recursive: true });
    this.git(['init', '-q', '-b', 'main'], at);
    this.git(['config', 'core.excludesFile', '/dev/null'], at);
  }

  git(args: string[], cwd = this.root): string {
    const identity = ['-c', 'user.name=A', '-c', 'user.email=a@b.c', '-c', 'commit.gpgSign=false'];
    const allowed = ['-c', 'protocol.file.allow=always'];
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' };
    return execFileSync('git', [...identity, ...allowed, ...args], { cwd, env, encoding: 'utf8', stdio });
  }

  write(files: Record<string, string>, at = this.root): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(at, path)), { recursive: true });
      writeFileSync(join(at, path), text);
    }
  }

  /** Writes and commits; returns the new commit. */
  commit(files: Record<string, string>, at = this.root): string {
    this.write(files, at);
    this.git(['add', '-A', '-f'], at);
    this.git(['commit', '-q', '-m', 'change'], at);
    return this.head(at);
  }

  head(at = this.root): string {
    return this.git(['rev-parse', 'HEAD'], at).trim();
  }

  request(over: Partial<SpaceRequest> = {}): SpaceRequest {
    const path = join(this.folder, 'spaces', 'run-1');
    const { root, commonDir } = this;
    return { root, commonDir, sha: this.head(), path, subdir: '', links: [], submodules: false, ...over };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.spaces.idle();
    await rm(this.folder, { recursive: true, force: true });
  }
}
