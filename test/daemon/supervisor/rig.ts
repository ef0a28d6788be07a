// A temporary home for runs whose scripts the test writes and drives. Disposing ends what is left and removes all of it.

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, watch, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  adoptRun,
  type DeviceHold,
  environmentBytes,
  type Finished,
  inspect,
  type StartRequest,
  startSupervisor,
} from '../../../daemon/supervisor/index.ts';

export class Rig {
  readonly root: string;
  readonly #runs: TestRun[] = [];

  private constructor(root: string) {
    this.root = root;
  }

  static async open(): Promise<Rig> {
    const rig = new Rig(await mkdtemp(join(tmpdir(), 'qwex-supervisor-')));
    await Promise.all(['ended', 'env', 'work'].map((name) => mkdir(rig.path(name))));
    return rig;
  }

  path(...names: string[]): string {
    return join(this.root, ...names);
  }

  /** Free devices, as a box lays them out for one run: locks, lease, fifo. */
  async devices(...names: string[]): Promise<DeviceHold> {
    const lockPaths = names.map((name) => this.path(name));
    const [leasePath, lifePath] = [this.path(`${names[0]}.lease`), this.path(`${names[0]}.life`)];
    for (const path of [...lockPaths, leasePath]) await writeFile(path, '');
    await promisify(execFile)('mkfifo', [lifePath]);
    return { lockPaths, leasePath, lifePath };
  }

  /** A run whose script is this bash text. `$here` in it is a folder for the test and the script to meet in. */
  async run(script: string, changes: Partial<StartRequest> = {}): Promise<TestRun> {
    const run = await TestRun.create(this, script, changes);
    this.#runs.push(run);
    return run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const run of this.#runs) await run.end();
    await rm(this.root, { recursive: true, force: true });
  }
}

export class TestRun {
  readonly request: StartRequest;
  /** Where script and test leave files for each other. */
  readonly here: string;

  private constructor(request: StartRequest, here: string) {
    this.request = request;
    this.here = here;
  }

  static async create(rig: Rig, script: string, changes: Partial<StartRequest>): Promise<TestRun> {
    const runId = randomUUID();
    const runDir = rig.path('runs', runId);
    const here = join(runDir, 'here');
    await mkdir(here, { recursive: true });
    await writeFile(join(runDir, 'script.sh'), `here=${here}\n${script}\n`);
    const environmentFile = rig.path('env', runId);
    await writeFile(environmentFile, environmentBytes({ PATH: process.env.PATH ?? '' }), { mode: 0o600 });
    const request: StartRequest = {
      runId,
      runDir,
      localDir: runDir,
      attempt: 1,
      cwd: rig.path('work'),
      environmentFile,
      variables: { QWEX_RUN_ID: runId, QWEX_RUN_DIR: runDir },
      umask: 0o022,
      timeLimitMs: null,
      graceMs: 300,
      endedDir: rig.path('ended'),
      daemonLock: rig.path('daemon.lock'),
      startDaemon: [],
      daemonEnvironment: {},
      devices: null,
      home: rig.root,
      ...changes,
    };
    return new TestRun(request, here);
  }

  start(changes: Partial<StartRequest> = {}) {
    return startSupervisor({ ...this.request, ...changes });
  }

  /** Starts, insists that it did, and gives the supervisor's pid and its end. */
  async started(changes: Partial<StartRequest> = {}) {
    const result = await this.start(changes);
    if (result.kind !== 'started') throw new Error(`not started: ${JSON.stringify(result)}`);
    return result;
  }

  adopt(changes: Partial<StartRequest> = {}) {
    return adoptRun({ ...this.request, ...changes });
  }

  async adopted() {
    const result = await this.adopt();
    if (result.kind !== 'adopted') throw new Error(`not adopted: ${JSON.stringify(result)}`);
    return result;
  }

  /** Resolves when the job's leader is gone. Nobody tells us of the end of a process that isn't our child: we look. */
  async gone(): Promise<void> {
    // A supervisor that died between the fork and this file leaves a child that ends by itself.
    if (existsSync(join(this.request.runDir, 'meta', 'pid'))) await untilGone(this.jobPid);
  }

  inspect() {
    return inspect(this.request);
  }

  async finished(): Promise<Finished> {
    const found = await this.inspect();
    if (found.kind !== 'finished') throw new Error(`not finished: ${JSON.stringify(found)}`);
    return found;
  }

  /** Start to end in one go. */
  async complete(): Promise<Finished> {
    await (await this.started()).exited;
    return this.finished();
  }

  stdout(): Promise<string> {
    return readFile(join(this.request.runDir, 'logs', 'stdout.log'), 'utf8');
  }

  stderr(): Promise<string> {
    return readFile(join(this.request.runDir, 'logs', 'stderr.log'), 'utf8');
  }

  /** The content of a file in `here`, once it ends in a newline. */
  async said(name: string): Promise<string> {
    const path = join(this.here, name);
    await until(this.here, () => existsSync(path) && readFileSync(path, 'utf8').endsWith('\n'));
    return readFileSync(path, 'utf8').trim();
  }

  async saidPid(name: string): Promise<number> {
    return Number(await this.said(name));
  }

  stdoutBytes(): Promise<Buffer> {
    return readFile(join(this.request.runDir, 'logs', 'stdout.log'));
  }

  /** Lets a script go on that makes this fifo in `here` and reads it. */
  async say(fifo: string): Promise<void> {
    await untilFile(join(this.here, fifo));
    await writeFile(join(this.here, fifo), 'go\n'); // waits for the reader to open it
  }

  get jobPid(): number {
    return Number(readFileSync(join(this.request.runDir, 'meta', 'pid'), 'utf8').split(' ')[0]);
  }

  /** Kills whatever still carries this run's token, or holds a claim on it. */
  async end(): Promise<void> {
    const claims = [...(await readdir(this.request.runDir))].filter((name) =>
      /^(claim\.|adopted)/.test(name),
    );
    for (const name of claims) {
      const pid = Number((await readFile(join(this.request.runDir, name), 'utf8')).split(' ')[0]);
      if (pid > 0 && commandOf(pid).includes(this.request.runDir)) kill(pid);
    }
    for (const pid of carriers(this.request.runId)) kill(pid);
  }
}

/** Pids of the processes that have this run's token in their environment. */
export function carriers(runId: string): number[] {
  return processes().filter((pid) =>
    read(`/proc/${pid}/environ`).split('\0').includes(`QWEX_RUN_ID=${runId}`),
  );
}

/** Resolves when the condition holds: looked at now, and again at each change in the folder. */
export async function until(folder: string, condition: () => boolean): Promise<void> {
  const stop = new AbortController();
  const changes = watch(folder, { signal: stop.signal });
  // The watch is set up by the first call of next(), before the condition is looked at.
  const first = changes[Symbol.asyncIterator]();
  let next = first.next();
  while (!condition()) {
    await next;
    next = first.next();
  }
  stop.abort();
  await next.catch((error: unknown) => {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
  });
}

export const untilFile = (path: string): Promise<void> => until(dirname(path), () => existsSync(path));

export const fileNames = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).map((name) => basename(name));

/** True for a process that runs or sleeps; false for none and for a zombie. */
export function lives(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== '' && !/\) [ZX]/.test(stat);
}

export async function untilGone(pid: number): Promise<void> {
  while (lives(pid)) await readdir('/proc/self');
}

export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (existsSync(`/proc/${Math.abs(pid)}`)) process.kill(pid, signal);
}

const commandOf = (pid: number): string => read(`/proc/${pid}/cmdline`);

function processes(): number[] {
  return readdirNumbers('/proc');
}

function readdirNumbers(folder: string): number[] {
  return readdirSync(folder).map(Number).filter(Number.isInteger);
}

// A process may end while it is looked at: no text, then.
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
