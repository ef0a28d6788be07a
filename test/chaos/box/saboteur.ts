// Kills, of any member: daemons, alone or with their children or with a supervisor, supervisors, the leaders and groups of
// jobs, everything of a run at once. In an order that the seed decides; a daemon stays away for a while, or comes back at once.
import { appendFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { VictimPart } from '../journal.ts';
import { daemonPid, identityOf, killIfSame } from '../prey.ts';
import { type Random, seededRandom } from '../random.ts';
import type { BoxWorld, Member } from './world.ts';

type Part = VictimPart | 'all';
/** Newest runs of a member, those that wait among them. */
const LOOKED_AT = 30;

export class BoxSaboteur {
  /** Run id → what of it was killed. */
  readonly victims = new Map<string, Set<Part>>();
  readonly faults = new Map<string, number>();
  readonly #world: BoxWorld;
  readonly #random: Random;
  readonly #paceMs: number;
  readonly #absences = new Set<Promise<void>>();

  constructor(world: BoxWorld, { paceMs }: { paceMs: number }) {
    this.#world = world;
    this.#random = seededRandom(world.seed);
    this.#paceMs = paceMs;
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const afterMs = this.#random.between(this.#paceMs / 4, (this.#paceMs * 7) / 4);
      await pause(afterMs, undefined, { signal: stop }).catch(() => undefined);
      if (!stop.aborted) await this.#one(this.#random.next(), this.#random.pick(this.#world.members));
    }
    await Promise.all(this.#absences);
  }

  async #one(dice: number, member: Member): Promise<void> {
    if (dice < 0.25) return this.#killDaemon(member, 'one');
    if (dice < 0.32) return this.#killDaemon(member, 'group');
    if (dice < 0.38) return this.#restart(member);
    if (dice < 0.56) return this.#killPart(member, 'supervisor');
    if (dice < 0.74) return this.#killPart(member, 'leader');
    if (dice < 0.86) return this.#killPart(member, 'group');
    if (dice < 0.92) return this.#killPart(member, 'all');
    // Nobody is left who could speak for the run but the run.
    this.#killDaemon(member, 'one');
    return this.#killPart(member, 'supervisor');
  }

  #killDaemon(member: Member, whom: 'one' | 'group'): void {
    const pid = daemonPid(member.home);
    if (pid === undefined || !killIfSame(pid, identityOf(pid), whom)) return;
    this.#count(whom === 'one' ? 'daemon' : 'daemon with its children', member);
    const awayMs = this.#random.pick([0, 0, this.#random.between(0, 1500)]);
    const absence = pause(awayMs)
      .then(() => member.revive())
      .finally(() => this.#absences.delete(absence));
    this.#absences.add(absence);
  }

  async #restart(member: Member): Promise<void> {
    this.#count('daemon restarted', member);
    await member.qwex('daemon', 'restart');
  }

  async #killPart(member: Member, part: Part): Promise<void> {
    const found = await this.#livingRuns(member, part === 'supervisor' ? 'supervisor' : 'leader');
    if (found.length === 0) return;
    const { id, pid, identity } = this.#random.pick(found);
    // Before the signal: the run may end and be read between the two.
    this.victims.set(id, (this.victims.get(id) ?? new Set()).add(part));
    if (part === 'all')
      for (const of of await this.#livingRuns(member, 'supervisor'))
        if (of.id === id) killIfSame(of.pid, of.identity);
    const wasThere = killIfSame(pid, identity, part === 'group' || part === 'all' ? 'group' : 'one');
    if (wasThere) this.#count(part === 'all' ? 'supervisor and group' : part, member, id);
  }

  async #livingRuns(member: Member, part: 'supervisor' | 'leader') {
    const ids = (await readdir(member.runs).catch(() => [])).sort().slice(-LOOKED_AT);
    const lines = await Promise.all(
      ids.map(async (id) => ({ id, line: await lineOf(join(member.runs, id), part) })),
    );
    return lines.flatMap(({ id, line }) => {
      const [pid, startTime] = line.split(' ');
      const identity = identityOf(Number(pid));
      return identity !== '' && identity === startTime ? [{ id, pid: Number(pid), identity }] : [];
    });
  }

  #count(fault: string, member: Member, run?: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
    const line = JSON.stringify({ atMs: Date.now(), fault, member: member.account.name, run });
    appendFileSync(join(this.#world.folder, 'journal.jsonl'), `${line}\n`);
  }
}

/** `pid start-time boot-id` of the newest supervisor or of the leader; '' when there is none. */
async function lineOf(folder: string, part: 'supervisor' | 'leader'): Promise<string> {
  if (part === 'leader') return readLine(join(folder, 'meta', 'pid'));
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^(adopted|claim\.\d+)$/.test(name));
  const lines = await Promise.all(names.map((name) => readLine(join(folder, name))));
  return lines.find((line) => identityOf(Number(line.split(' ')[0])) === line.split(' ')[1]) ?? '';
}

async function readLine(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trimEnd();
}
