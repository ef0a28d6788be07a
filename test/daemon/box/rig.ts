// A box with fake devices in a temporary folder, daemons that take part in it, and processes that hold its devices as a
// supervisor does. Disposing ends them all and removes the folder.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { v7 } from 'uuid';
import type { TicketRequest } from '../../../daemon/box/files/tickets.ts';
import { Box, type BoxOptions, type OwnGrant } from '../../../daemon/box/index.ts';
import { readIdentity } from '../../../daemon/supervisor/identity.ts';
import { makeFakeBox } from '../../rig/fake-box.ts';

const HOUR_MS = 3_600_000;

/** Takes the locks, holds the lifeline, says so in the lease, and lets go when its stdin says so or ends. */
export const HOLDER = `
set -u
lease=$1 life=$2 word=$3; shift 3
for lock; do exec {fd}<"$lock"; flock -n "$fd" || { echo busy; exit 75; }; done
exec {line}<>"$life"
read -r boot </proc/sys/kernel/random/boot_id
stat=$(</proc/$$/stat); stat=\${stat##*) }; set -- $stat
[ "$word" = silent ] || echo "held $$ \${20} $boot" >>"$lease"
echo held
read -r how
[ "$how" = crash ] && kill -9 $$
[ "$word" = silent ] || echo "ended $(date +%s%3N)" >>"$lease"
`;

export class BoxRig {
  readonly folder: string;
  readonly #members: Member[] = [];
  readonly holders: Holder[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(
    options: { devices?: number; policy?: Record<string, unknown>; types?: string[] } = {},
  ): Promise<BoxRig> {
    const rig = new BoxRig(await mkdtemp(join(tmpdir(), 'qwex-box-')));
    // Other accounts have to get in.
    await chmod(rig.folder, 0o755);
    const { devices = 2, policy, types = [] } = options;
    await makeFakeBox({
      path: rig.root,
      file: rig.fakeFile,
      types: Array.from({ length: devices }, (_, index) => types[index] ?? 'fake'),
      defaultTimeMs: 12 * HOUR_MS,
      policy,
    });
    return rig;
  }

  get root(): string {
    return join(this.folder, 'box');
  }

  get fakeFile(): string {
    return join(this.folder, 'devices.yaml');
  }

  /** What the fake devices do from now on. JSON is YAML. */
  async describe(content: {
    devices: { id: string; used_mb?: number }[];
    strangers?: object[];
  }): Promise<void> {
    await writeFile(this.fakeFile, JSON.stringify(content));
  }

  async member(name: string, options: Partial<BoxOptions> = {}): Promise<Member> {
    const member = await Member.join(this, name, options);
    this.#members.push(member);
    return member;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.#members) await member.leave();
    for (const holder of this.holders) await holder.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** One daemon's part. Its wakes are counted, and can be waited for. */
export class Member {
  readonly box: Box;
  readonly #rig: BoxRig;
  #wakes = 0;
  readonly #waiting: (() => void)[];

  private constructor(rig: BoxRig, box: Box, waiting: (() => void)[]) {
    this.#rig = rig;
    this.box = box;
    this.#waiting = waiting;
  }

  static async join(rig: BoxRig, name: string, options: Partial<BoxOptions>): Promise<Member> {
    const waiting: (() => void)[] = [];
    let member: Member | undefined;
    const onWake = (): void => {
      if (member !== undefined) member.#wakes += 1;
      for (const resolve of waiting.splice(0)) resolve();
    };
    const box = await Box.open({ root: rig.root, home: join(rig.folder, name), onWake, ...options });
    member = new Member(rig, box, waiting);
    return member;
  }

  get wakes(): number {
    return this.#wakes;
  }

  /** Resolves at the next wake after `seen` of them. */
  async woken(seen: number): Promise<void> {
    while (this.#wakes <= seen) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  ask(changes: Partial<TicketRequest> = {}): string {
    const request = {
      run: v7(),
      gpus: 1,
      type: null,
      timeMs: HOUR_MS,
      priority: 0,
      prepared: true,
      ...changes,
    };
    this.box.put(request);
    return request.run;
  }

  /** Decides, again at every wake, until it is this run's turn. */
  async turnOf(run: string): Promise<OwnGrant> {
    for (;;) {
      const seen = this.#wakes;
      const grant = (await this.box.decide()).find((candidate) => candidate.run === run);
      if (grant !== undefined) return grant;
      await this.woken(seen);
    }
  }

  /** Starts what stands in for the run's supervisor. */
  async start(grant: OwnGrant, word: 'said' | 'silent' = 'said'): Promise<Holder> {
    const holder = await Holder.start(grant, word);
    this.#rig.holders.push(holder);
    const identity = await readIdentity(holder.pid);
    if (identity !== undefined && word === 'said') await this.box.started(grant.run, identity);
    return holder;
  }

  /** A run that is going on. */
  async running(
    changes: Partial<TicketRequest> = {},
  ): Promise<{ run: string; grant: OwnGrant; holder: Holder }> {
    const run = this.ask(changes);
    const grant = await this.turnOf(run);
    return { run, grant, holder: await this.start(grant) };
  }

  async why(run: string): Promise<string> {
    return (await this.box.explain(run))?.words ?? 'not waiting';
  }

  async leave(): Promise<void> {
    await this.box.close();
  }
}

export class Holder {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start({ leasePath, lifePath, lockPaths }: OwnGrant, word: string): Promise<Holder> {
    const child = spawn('bash', ['-c', HOLDER, 'holder', leasePath, lifePath, word, ...lockPaths], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    if (line !== 'held') throw new Error(`the locks are ${line}`);
    return new Holder(child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Lets go as a supervisor does at its end, or dies with -9. */
  async end(how: 'well' | 'crash' = 'well'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.stdin?.write(`${how}\n`);
    await exited;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
