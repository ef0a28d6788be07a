// A box that is full: every device held, and members with tickets, whose daemons are pretended by this process. As root
// each member has a uid of its own, else all are one member with many daemons.
import { chownSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 } from 'uuid';
import { boxPlaces } from '../../daemon/box/files/places.ts';
import { Starter, useStarter } from '../../daemon/starter/starter.ts';
import { readIdentity } from '../../daemon/supervisor/identity.ts';
import { BoxRig, type Member } from '../daemon/box/rig.ts';

const BETWEEN_MS = 50;
const HOUR_MS = 3_600_000;
const isRoot = process.getuid?.() === 0;
const FIRST_UID = 61_000;

export interface CrowdShape {
  devices: number;
  members: number;
  /** Of each member. */
  tickets: number;
}

export class Crowd {
  readonly rig: BoxRig;
  /** The daemon that decides; the first of the members. */
  readonly member: Member;
  /** Its tickets. */
  readonly own: string[] = [];
  readonly #keys: string[] = [];
  readonly #others: { run: string; path: string; text: string }[] = [];
  /** A daemon has one. */
  readonly #starter = new Starter();
  #next = 0;

  private constructor(rig: BoxRig, member: Member) {
    this.rig = rig;
    this.member = member;
    useStarter(this.#starter);
  }

  static async gather({ devices, members, tickets }: CrowdShape): Promise<Crowd> {
    const rig = await BoxRig.open({ devices });
    const crowd = new Crowd(rig, await rig.member('bench'));
    for (let at = 0; at < devices; at += 1) await crowd.member.running({ timeMs: (1 + at) * HOUR_MS });
    for (let at = 1; at < members; at += 1) await crowd.#join(at, tickets);
    for (let at = 0; at < tickets; at += 1) crowd.own.push(crowd.member.ask(asked(at)));
    return crowd;
  }

  /**
   * Lets our runs go first, one after the other on one device. Resolves to one such handover: how long it takes from the
   * end of a run to the decision that gives its device to the next, which has been waiting for it.
   */
  async openFirst(): Promise<() => Promise<number>> {
    const claim = { decayed: 1e7, asOfMs: Date.now(), days: {} };
    for (const key of this.#keys)
      this.#put(boxPlaces(this.rig.root).usageFile(key), JSON.stringify({ claim, counted: [], seen: {} }));
    const { box } = this.member;
    let [holder] = this.rig.holders;
    return async () => {
      const run = this.member.ask({ gpus: 1, timeMs: HOUR_MS, priority: 1000 });
      await box.decide();
      // As between two ends of runs: what is prepared for the next one has time.
      await delay(BETWEEN_MS);
      const seen = this.member.wakes;
      await holder?.end();
      await this.member.woken(seen);
      const before = performance.now();
      const [grant] = await box.decide();
      const ms = performance.now() - before;
      if (grant?.run !== run) throw new Error('the first in line got nothing');
      holder = await this.member.start(grant);
      return ms;
    };
  }

  /** Somebody's ticket is written anew, as when a priority changes. */
  change(): void {
    const ticket = this.#others[this.#next % this.#others.length];
    this.#next += 1;
    if (ticket !== undefined) writeFileSync(ticket.path, ticket.text, { flag: 'r+' });
  }

  async #join(number: number, tickets: number): Promise<void> {
    const places = boxPlaces(this.rig.root);
    const uid = isRoot ? FIRST_UID + number : (process.getuid?.() ?? 0);
    const key = `${uid}-${number.toString(16).padStart(8, '0')}`;
    this.#put(places.presence(key), `${JSON.stringify(await readIdentity(process.pid))}\n`);
    this.#put(places.wakeFile(key), '\n');
    this.#keys.push(key);
    for (let at = 0; at < tickets; at += 1) {
      const run = v7();
      const text = `${JSON.stringify({ run, daemon: key, ...asked(at, number) }).padEnd(511)}\n`;
      this.#put(places.ticket(run), text);
      this.#others.push({ run, path: places.ticket(run), text });
    }
  }

  /** The name of a file that belongs to somebody ends in a daemon's key, but for tickets: their text has it. */
  #put(path: string, text: string): void {
    writeFileSync(path, text);
    const uid = Number(/(\d+)-[0-9a-f]{8}\./.exec(path)?.[1] ?? /"daemon":"(\d+)-/.exec(text)?.[1]);
    if (isRoot) chownSync(path, uid, uid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
    useStarter(undefined);
    await this.#starter.close();
  }
}

/** Sizes and times that don't fit each other well; two of each member are prepared. */
function asked(at: number, shift = 0) {
  const size = at + shift;
  return {
    gpus: 1 + (size % 8),
    type: null,
    timeMs: (1 + (size % 11)) * HOUR_MS,
    priority: size % 3,
    prepared: at < 2,
  };
}
