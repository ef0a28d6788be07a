// A real daemon in a temporary home, started and stopped by the real command, with a user of its own: no setting of
// whoever runs the benchmarks counts. Everything is gone when it is disposed.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LOCAL_API } from '../../shared/api.ts';
import { LocalRunner } from '../../shared/client/local-runner.ts';
import type { DaemonStatus } from '../../shared/schemas/local.ts';
import type { Run } from '../../shared/schemas/run.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const QWEX = join(ROOT, 'cli', 'qwex');
/** The runtime that the command itself runs on. */
export const NODE = process.execPath;

export interface Step {
  event: string;
  atMs: number;
}

export class Rig {
  readonly folder: string;
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly runner: LocalRunner;

  private constructor(folder: string) {
    this.folder = folder;
    this.home = join(folder, 'home');
    this.env = {
      PATH: process.env.PATH,
      HOME: join(folder, 'user'),
      LANG: 'C.UTF-8',
      QWEX_HOME: this.home,
      QWEX_NODE: NODE,
    };
    this.runner = new LocalRunner({ home: this.home, autostart: false });
  }

  static async start({ slots = 1 }: { slots?: number } = {}): Promise<Rig> {
    const rig = new Rig(mkdtempSync(join(tmpdir(), 'qwex-bench-')));
    mkdirSync(join(rig.folder, 'user'));
    rig.qwex(['config', 'set', 'slots', String(slots)]);
    rig.startDaemon();
    return rig;
  }

  startDaemon(): void {
    this.qwex(['daemon', 'start']);
  }

  stopDaemon(): void {
    this.qwex(['daemon', 'stop']);
  }

  /** A repository with one commit of these files (path → content). */
  repository(name: string, files: Record<string, string>): string {
    const path = join(this.folder, name);
    mkdirSync(path, { recursive: true });
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(dirname(join(path, file)), { recursive: true });
      writeFileSync(join(path, file), content);
    }
    this.git(path, 'init', '--quiet', '--initial-branch=main');
    this.git(path, 'add', '--all');
    this.git(path, 'commit', '--quiet', '--message=all');
    return path;
  }

  git(cwd: string, ...args: string[]): string {
    const identity = ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost'];
    return this.spawn('git', [...identity, ...args], cwd).stdout;
  }

  qwex(args: string[], cwd = this.folder): string {
    return this.spawn(QWEX, args, cwd).stdout;
  }

  /** Runs a program to its end. Throws when it fails. */
  spawn(program: string, args: string[], cwd = this.folder): SpawnSyncReturns<string> {
    const done = spawnSync(program, args, {
      cwd,
      env: this.env,
      encoding: 'utf8',
      maxBuffer: 1024 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (done.error) throw done.error;
    if (done.status !== 0)
      throw new Error(`${program} ${args.slice(0, 4).join(' ')} ended with ${done.status}: ${done.stderr}`);
    return done;
  }

  /** Wall time of a program, in milliseconds. */
  wallMs(program: string, args: string[], cwd?: string): number {
    const before = performance.now();
    this.spawn(program, args, cwd);
    return performance.now() - before;
  }

  qwexMs(args: string[], cwd?: string): number {
    return this.wallMs(QWEX, args, cwd);
  }

  get qwexPath(): string {
    return QWEX;
  }

  /** Submits commands in one request, from a repository. */
  async submit(cwd: string, commands: string[][]): Promise<Run[]> {
    return (await this.runner.submitFrom({ cwd, commands, environment: { PATH: this.env.PATH ?? '' } })).runs;
  }

  /** Resolves when all have ended well. Throws when one hasn't. */
  async succeeded(runs: readonly Run[]): Promise<void> {
    // The last ones first: when they have ended, the questions about the others cost nothing that is measured.
    for (const { id } of [...runs].reverse()) {
      const { status, message } = await this.runner.wait(id);
      if (status !== 'succeeded') throw new Error(`run ${id} is ${status}: ${message}`);
    }
  }

  /** What happened to a run, from its folder. */
  steps({ directory }: Run): Step[] {
    const lines = readFileSync(join(directory, 'statuses.jsonl'), 'utf8').trim().split('\n');
    return lines.map((line) => {
      const { event, at } = JSON.parse(line) as { event: string; at: string };
      return { event: event.replace('run.', ''), atMs: Date.parse(at) };
    });
  }

  async pause(): Promise<void> {
    await this.runner.request(LOCAL_API.pause);
  }

  async resume(): Promise<void> {
    await this.runner.request(LOCAL_API.resume);
  }

  async status(): Promise<DaemonStatus> {
    return this.runner.request<DaemonStatus>(LOCAL_API.status);
  }

  [Symbol.dispose](): void {
    try {
      this.stopDaemon();
    } finally {
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}
