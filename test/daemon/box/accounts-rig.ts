// Daemons of other accounts, as far as the box goes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { v7 } from 'uuid';
import type { OwnGrant } from '../../../daemon/box/index.ts';
import type { Account } from '../../rig/accounts.ts';
import type { Command } from './member-process.ts';
import { type BoxRig, HOLDER } from './rig.ts';

/** A daemon of another account. */
export class RemoteMember implements AsyncDisposable {
  readonly account: Account;
  readonly #child: ChildProcess;
  readonly #answers: ((message: { answer?: unknown; error?: string }) => void)[] = [];
  readonly #wakeWaiters: (() => void)[] = [];
  readonly #holders: ChildProcess[] = [];
  wakes = 0;

  private constructor(account: Account, child: ChildProcess) {
    this.account = account;
    this.#child = child;
  }

  static async join(rig: BoxRig, account: Account): Promise<RemoteMember> {
    const home = join(rig.folder, account.name);
    await mkdir(home, { recursive: true, mode: 0o700 });
    await chown(home, account.uid, account.uid);
    const script = join(import.meta.dirname, 'member-process.ts');
    const child = spawn(...account.command(process.execPath, [script, rig.root, home]), {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH, HOME: home },
      cwd: '/',
    });
    const member = new RemoteMember(account, child);
    const ready = member.#answer();
    createInterface({ input: child.stdout }).on('line', (line) => member.#hear(line));
    await ready;
    return member;
  }

  /** At the same time: most of what it takes is the start of Node. */
  static async joinAll<Accounts extends readonly Account[]>(
    rig: BoxRig,
    accounts: readonly [...Accounts],
  ): Promise<AsyncDisposable & { all: { [Index in keyof Accounts]: RemoteMember } }> {
    const all = (await Promise.all(accounts.map((account) => RemoteMember.join(rig, account)))) as {
      [Index in keyof Accounts]: RemoteMember;
    };
    const leave = async (): Promise<void> => {
      for (const member of all) await member[Symbol.asyncDispose]();
    };
    return { all, [Symbol.asyncDispose]: leave };
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async ask(command: Command): Promise<unknown> {
    const answer = this.#answer();
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
    const { answer: value, error } = await answer;
    if (error !== undefined) throw new Error(error);
    return value;
  }

  async put(changes: { gpus?: number; timeMs?: number } = {}): Promise<string> {
    const run = v7();
    await this.ask({
      do: 'put',
      ticket: { run, gpus: 1, type: null, timeMs: 3_600_000, priority: 0, prepared: true, ...changes },
    });
    return run;
  }

  async decide(): Promise<OwnGrant[]> {
    return (await this.ask({ do: 'decide' })) as OwnGrant[];
  }

  async turnOf(run: string): Promise<OwnGrant> {
    for (;;) {
      const seen = this.wakes;
      const grant = (await this.decide()).find((candidate) => candidate.run === run);
      if (grant !== undefined) return grant;
      await this.woken(seen);
    }
  }

  async woken(seen: number): Promise<void> {
    while (this.wakes <= seen) await new Promise<void>((resolve) => this.#wakeWaiters.push(resolve));
  }

  /** Stands in for the run's supervisor, under this account. Returns its end. */
  async hold({
    run,
    leasePath,
    lifePath,
    lockPaths,
  }: OwnGrant): Promise<{ end(how?: string): Promise<void> }> {
    const args = ['-c', HOLDER, 'holder', leasePath, lifePath, 'said', ...lockPaths];
    const child = spawn(...this.account.command('bash', args), {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    this.#holders.push(child);
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    if (line !== 'held') throw new Error(`the locks are ${line}`);
    const startTime = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[19] ?? '';
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    await this.ask({ do: 'started', run, identity: { pid: child.pid ?? 0, startTime, bootId } });
    return {
      end: async (how = 'well') => {
        const exited = once(child, 'exit');
        child.stdin?.write(`${how}\n`);
        await exited;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [...this.#holders, this.#child]) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
  }

  #answer(): Promise<{ answer?: unknown; error?: string }> {
    return new Promise((resolve) => this.#answers.push(resolve));
  }

  #hear(line: string): void {
    const message = JSON.parse(line) as { answer?: unknown; error?: string; wake?: boolean };
    if (message.wake !== true) return void this.#answers.shift()?.(message);
    this.wakes += 1;
    for (const resolve of this.#wakeWaiters.splice(0)) resolve();
  }
}
