// Where the chaos of the box takes place: real accounts, each with a home, a repository and a real daemon, and one box
// with fake devices. Made by root; disposing ends what is left, and removes accounts and folder.
import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalRunner } from '../../../shared/client/index.ts';
import { Account, protectRegularFiles } from '../../rig/accounts.ts';
import { makeFakeBox } from '../../rig/fake-box.ts';
import { installFor } from '../../rig/install.ts';
import { commandOf } from '../../rig/processes.ts';
import { endProcesses, processesOf } from '../prey.ts';

const WORKSPACE = 'work';

export interface BoxWorldOptions {
  seed: number;
  accounts: number;
  /** Type of each device. */
  types: readonly string[];
}

export class BoxWorld implements Disposable {
  readonly seed: number;
  readonly types: readonly string[];
  readonly folder: string;
  readonly box: string;
  /** Ledger and marks of the jobs. */
  readonly shared: string;
  readonly members: Member[] = [];
  readonly #protection: Disposable;

  private constructor({ seed, types }: BoxWorldOptions) {
    this.seed = seed;
    this.types = types;
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'qwex-boxchaos-')));
    // Other accounts have to get in.
    chmodSync(this.folder, 0o755);
    this.box = join(this.folder, 'box');
    this.shared = join(this.folder, 'shared');
    this.#protection = protectRegularFiles();
  }

  static async make(options: BoxWorldOptions): Promise<BoxWorld> {
    const world = new BoxWorld(options);
    try {
      mkdirSync(world.shared);
      writeFileSync(join(world.shared, 'ledger'), '');
      chmodSync(join(world.shared, 'ledger'), 0o666);
      for (const name of ['marks', 'stale']) {
        mkdirSync(join(world.shared, name));
        chmodSync(join(world.shared, name), 0o1777);
      }
      await world.#makeBox();
      const program = installFor(world.folder);
      for (let index = 0; index < options.accounts; index += 1) {
        const account = new Account(String.fromCharCode(97 + index));
        world.members.push(new Member({ account, world, program }));
      }
      return world;
    } catch (error) {
      world[Symbol.dispose]();
      throw error;
    }
  }

  get deviceIds(): string[] {
    return this.types.map((_, index) => `gpu${index}`);
  }

  /** What was started for this world and is alive. */
  processes(): string[] {
    return processesOf(this).map((pid) => `${pid} ${commandOf(pid)}`);
  }

  endProcesses(): void {
    endProcesses(this);
  }

  /** Keeps the folder, to be looked at. */
  removeAccounts(): void {
    this.endProcesses();
    for (const { account } of this.members.splice(0)) account[Symbol.dispose]();
    this.#protection[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.removeAccounts();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #makeBox(): Promise<void> {
    const types = this.deviceIds.map((_, index) => this.types[index] ?? 'fake');
    const file = join(this.folder, 'fake.yaml');
    await makeFakeBox({ path: this.box, file, types, defaultTimeMs: 60_000 });
  }
}

/** One account, with its home, its repository and whatever daemon it has just now. */
export class Member {
  readonly account: Account;
  readonly home: string;
  readonly repository: string;
  /** Of root, who may use anybody's socket. Starts no daemon. */
  readonly runner: LocalRunner;
  readonly #program: string;
  readonly #env: NodeJS.ProcessEnv;
  #starting: Promise<unknown> | undefined;

  constructor({ account, world, program }: { account: Account; world: BoxWorld; program: string }) {
    this.account = account;
    this.#program = program;
    const own = join(world.folder, account.name);
    this.home = join(own, 'home');
    this.repository = join(own, WORKSPACE);
    this.#env = {
      PATH: process.env.PATH,
      HOME: own,
      QWEX_HOME: this.home,
      QWEX_BOX: world.box,
      LANG: 'C.UTF-8',
    };
    mkdirSync(this.home, { recursive: true, mode: 0o700 });
    writeFileSync(join(this.home, 'config.yaml'), 'slots: 2\ngrace: 400ms\n');
    mkdirSync(this.repository);
    copyFileSync(join(import.meta.dirname, 'job.sh'), join(this.repository, 'job.sh'));
    execFileSync('chown', ['-R', `${account.uid}:${account.gid}`, own]);
    const git = ['git -c user.name=Chaos -c user.email=chaos@localhost -c core.hooksPath=/dev/null'];
    const lines = ['init -q -b main', 'add -A', 'commit -q -m "The job"'].map((line) => `${git} ${line}`);
    const { code, said } = account.shell(
      `export HOME='${own}'; cd '${this.repository}' && ${lines.join(' && ')}`,
    );
    if (code !== 0) throw new Error(`the repository could not be made: ${said}`);
    this.runner = new LocalRunner({ home: this.home, autostart: false });
  }

  get runs(): string {
    return join(this.home, WORKSPACE, 'runs');
  }

  /** Runs `qwex ARGS` as this account to its end. */
  async qwex(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const [program, words] = this.account.command(this.#program, args);
    const options = { cwd: this.repository, env: this.#env };
    return new Promise((resolve) => {
      const child = execFile(program, words, options, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode ?? 128, stdout, stderr }),
      );
    });
  }

  /** As the next command of this user would. It may be killed while it starts; whoever asks meanwhile waits for the same one. */
  async revive(): Promise<void> {
    this.#starting ??= this.qwex('daemon', 'start').finally(() => {
      this.#starting = undefined;
    });
    await this.#starting;
  }
}
