// A real daemon in a home of its own, real repositories, and the command line against them. Disposing ends what is
// left, and fails the test that left something behind.
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { LOCAL_API } from '../../shared/api.ts';
import { LocalRunner } from '../../shared/client/index.ts';
import { QwexError } from '../../shared/errors.ts';
import { type HomePaths, homePaths } from '../../shared/paths.ts';
import type { DaemonStatus } from '../../shared/schemas/local.ts';
import type { Run } from '../../shared/schemas/run.ts';
import { Command, type CommandOptions, type Ended, launcher, packageFolder, shellLine } from './command.ts';
import { EventStream } from './event-stream.ts';
import { findLeaks, loggedErrors } from './leaks.ts';
import { lives, type ProcessFacts, processesWith, untilGone } from './processes.ts';
import { Program } from './program.ts';
import { type Files, Repository } from './repository.ts';

export interface RigOptions {
  /** Runs at once; 1 by default. */
  slots?: number;
  /** More lines for the user's config.yaml; null: there is no such file. */
  config?: string | null;
  /** False: no daemon is started. */
  daemon?: boolean;
  /** Name of the home's folder. */
  homeName?: string;
  /** Beside the variables that every command gets. */
  env?: Readonly<Record<string, string>>;
}

const ENDS: ReadonlySet<string> = new Set(['run.succeeded', 'run.failed', 'run.cancelled', 'run.lost']);

export class Rig {
  /** Everything of the test is below it. */
  readonly folder: string;
  readonly paths: HomePaths;
  readonly env: Readonly<Record<string, string>>;
  /** Never starts a daemon by itself. */
  readonly client: LocalRunner;
  readonly events: EventStream;
  readonly python: string = inject('python');
  readonly #repositories: Repository[] = [];
  readonly #programs: Program[] = [];
  readonly #commands: Command[] = [];
  readonly #expectedErrors: RegExp[] = [];
  #leftBehind: string[] = [];

  private constructor(folder: string, { homeName = 'home', env }: RigOptions) {
    this.folder = folder;
    const home = join(folder, homeName);
    this.paths = homePaths(home);
    this.env = {
      PATH: `${join(packageFolder, 'cli')}:${process.env.PATH ?? '/usr/bin:/bin'}`,
      HOME: join(folder, 'user'),
      XDG_CACHE_HOME: inject('cacheFolder'),
      LANG: 'C.UTF-8',
      QWEX_HOME: home,
      ...env,
    };
    this.client = new LocalRunner({ home, autostart: false });
    this.events = new EventStream(this.paths.socket);
  }

  static async start(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(await realpath(await mkdtemp('/tmp/qwex-e2e-')), options);
    onTestFinished(() => rig.#finish());
    await mkdir(join(rig.folder, 'user'));
    await mkdir(rig.home, { recursive: true, mode: 0o700 });
    // A short grace: tests end programs that take no notice of TERM.
    const settings = [`slots: ${options.slots ?? 1}`, 'grace: 500ms', options.config ?? ''];
    if (options.config !== null)
      await writeFile(rig.paths.config, `${settings.join('\n')}\n`, { mode: 0o600 });
    if (options.daemon !== false) await rig.startDaemon();
    return rig;
  }

  get home(): string {
    return this.paths.home;
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** A repository with a commit; without one when `files` is null. */
  async repo(files: Files | null = { 'README.md': 'A test\n' }, name = 'project'): Promise<Repository> {
    const repository = await Repository.init(this.path(name), this.env);
    this.#repositories.push(repository);
    if (files !== null) await repository.commit(files);
    return repository;
  }

  async program(): Promise<Program> {
    const program = await Program.create(this.path(`program-${this.#programs.length + 1}`));
    this.#programs.push(program);
    return program;
  }

  /** Runs `qwex ARGS` to its end. */
  qwex(args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
    const command = this.begin(args, options);
    command.closeInput(options.input);
    return command.ended;
  }

  /** Runs `qwex ARGS` and insists on exit code 0; resolves to its stdout without the last newline. */
  async ok(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.qwex(args, options);
    if (code !== 0) throw new Error(`qwex ${args.join(' ')} exited with ${code}:\n${stdout}${stderr}`);
    return stdout.replace(/\n$/, '');
  }

  /** The data of `qwex ARGS --json`. */
  async json<T>(args: readonly string[], options: CommandOptions = {}): Promise<T> {
    const [word = '', ...rest] = args;
    const { schema_version, data } = JSON.parse(await this.ok([word, '--json', ...rest], options));
    if (schema_version !== 1) throw new Error(`schema_version is ${schema_version}`);
    return data as T;
  }

  /** `qwex ARGS`, going on beside the test. */
  begin(args: readonly string[], options: CommandOptions = {}): Command {
    return this.beginProgram(launcher, args, options);
  }

  /** Any program, which may be one that becomes `qwex`. */
  beginProgram(program: string, args: readonly string[], options: CommandOptions = {}): Command {
    return this.#track(new Command(program, args, this.#place(options)));
  }

  /** A line for bash in which `qwex` is ours. */
  shell(line: string, options: CommandOptions = {}): Promise<Ended> {
    const command = this.#track(
      new Command('bash', ['-c', `set -o pipefail; ${line}`], this.#place(options)),
    );
    command.closeInput(options.input);
    return command.ended;
  }

  /** `qwex ARGS` in a terminal of its own: what it shows is in `stdout`; typing \x03 is Ctrl-C. */
  terminal(args: readonly string[], options: CommandOptions = {}): Command {
    const line = shellLine([launcher, ...args]);
    return this.#track(new Command('script', ['-qfec', line, '/dev/null'], this.#place(options)));
  }

  /** Submits by the command line; resolves to the run's id. */
  submit(repository: Repository, ...args: readonly string[]): Promise<string> {
    return this.ok(['run', ...args], { cwd: repository.root });
  }

  /** Resolves when the daemon has announced it, now or earlier. */
  async until(type: string, id: string): Promise<void> {
    await this.events.until((event) => event.type === type && event.runId === id);
  }

  /** The run once it has ended. */
  async ended(id: string): Promise<Run> {
    await this.events.until(({ type, runId }) => runId === id && ENDS.has(type));
    return this.client.get(id);
  }

  /** A file of a run's folder. */
  async runFile(id: string, ...names: string[]): Promise<string> {
    return readFile(join((await this.client.get(id)).directory, ...names), 'utf8');
  }

  async startDaemon(): Promise<void> {
    await this.ok(['daemon', 'start']);
  }

  daemon(): Promise<DaemonStatus> {
    return this.client.request<DaemonStatus>(LOCAL_API.status);
  }

  /** As a crash would end it. Resolves when it is gone. */
  async killDaemon(): Promise<void> {
    const { pid } = await this.daemon();
    process.kill(pid, 'SIGKILL');
    await untilGone(pid);
  }

  /** Resolves when the supervisors of ended runs are gone too, and what they have called: both may start a daemon yet. */
  async supervisorsGone(): Promise<void> {
    const mayStart = ({ command }: ProcessFacts): boolean => /supervise|daemon start/.test(command);
    for (;;) {
      const found = processesWith(`QWEX_HOME=${this.home}`).filter(mayStart);
      if (found.length === 0) return;
      for (const { pid } of found) await untilGone(pid);
    }
  }

  /** This test provokes errors in the daemon's log; others still fail it. */
  expectLogged(pattern: RegExp): void {
    this.#expectedErrors.push(pattern);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#endCommands();
      await this.#endRuns();
      this.#leftBehind = await this.#findLeftBehind();
    } finally {
      await this.#removeAll();
    }
  }

  /** Told after the test, so that it doesn't hide the failure that it may come from. */
  async #finish(): Promise<void> {
    // A test that ran out of time stands where it stood, and has disposed of nothing.
    await this.#removeAll();
    if (this.#leftBehind.length > 0)
      throw new Error(`left behind by this test:\n${this.#leftBehind.join('\n')}`);
  }

  async #removeAll(): Promise<void> {
    await this.events.close();
    for (const { pid } of processesWith(`${this.folder}/`)) if (lives(pid)) process.kill(pid, 'SIGKILL');
    for (const program of this.#programs.splice(0)) await program.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #endCommands(): Promise<void> {
    for (const command of this.#commands.filter(({ isRunning }) => isRunning)) command.kill();
    await Promise.all(this.#commands.map(({ ended }) => ended));
  }

  async #endRuns(): Promise<void> {
    const status = await this.#statusOrNull();
    // Runs that go on without a daemon; one that has just failed to start is no reason to try again.
    const ours = processesWith(`QWEX_HOME=${this.home}`);
    if (status === null && ours.some(({ command }) => command.includes('supervise.sh')))
      await this.startDaemon();
    const { counts, pid } = status ?? (await this.#statusOrNull()) ?? { counts: {}, pid: 0 };
    if (pid === 0) return;
    if ((counts.pending ?? 0) + (counts.running ?? 0) > 0) await this.#cancelAll();
    await this.supervisorsGone();
    await this.client.request(LOCAL_API.stop, { body: {} });
    await untilGone(pid);
  }

  async #cancelAll(): Promise<void> {
    for (const status of ['pending', 'running']) {
      for (let { runs } = await this.client.list({ status }); runs.length > 0; ) {
        for (const { id, phase, cancelRequestedAt } of runs) {
          if (phase !== 'collecting' && cancelRequestedAt === null) await this.#cancel(id);
          await this.client.wait(id);
        }
        ({ runs } = await this.client.list({ status }));
      }
    }
  }

  async #cancel(id: string): Promise<void> {
    try {
      await this.client.cancel(id);
    } catch (error) {
      // It has ended since we looked.
      if (!(error instanceof QwexError && error.code === 'conflict')) throw error;
    }
  }

  async #findLeftBehind(): Promise<string[]> {
    const { folder, paths } = this;
    const leaks = await findLeaks({ folder, paths, repositories: this.#repositories });
    const errors = await loggedErrors(this.paths.log);
    const surprises = errors.filter((line) => !this.#expectedErrors.some((pattern) => pattern.test(line)));
    return [...leaks, ...surprises.map((line) => `the daemon logged ${line}`)];
  }

  async #statusOrNull(): Promise<DaemonStatus | null> {
    try {
      return await this.daemon();
    } catch (error) {
      if (error instanceof QwexError && error.code === 'unreachable') return null;
      throw error;
    }
  }

  #place(options: CommandOptions): CommandOptions {
    return { cwd: options.cwd ?? this.folder, env: { ...this.env, ...options.env } };
  }

  #track(command: Command): Command {
    this.#commands.push(command);
    return command;
  }
}
