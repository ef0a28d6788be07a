// This daemon's page in the box's books: what its member used, and what it saw the others use.

import type { Lease } from './files/leases.ts';
import { EMPTY_TALLY, type Usage, type UsageContent, type Use, withUse } from './files/usage.ts';
import type { Survey } from './survey.ts';

interface Sighting extends Use {
  member: number;
}

export class Ledger {
  readonly #usage: Usage;
  readonly #key: string;
  readonly #member: number;
  readonly #sightings = new Map<string, Sighting>();
  #content: UsageContent;

  constructor({ usage, key, member }: { usage: Usage; key: string; member: number }) {
    this.#usage = usage;
    this.#key = key;
    this.#member = member;
    const own = usage.read().files.find((file) => file.key === key);
    this.#content = own ?? { claim: { ...EMPTY_TALLY }, counted: [], seen: {} };
  }

  /** Counts a lease of ours that is over, once. */
  claim(lease: Lease, endMs: number, halfLifeMs: number): void {
    if (this.#content.counted.includes(lease.run)) return;
    const use = { devices: lease.devices.length, startMs: lease.sinceMs, endMs };
    this.#content = {
      ...this.#content,
      claim: withUse(this.#content.claim, use, { nowMs: Math.max(endMs, Date.now()), halfLifeMs }),
      counted: [...this.#content.counted, lease.run],
    };
    this.#usage.write(this.#key, this.#content);
  }

  /** Notes what other members hold, and counts what they no longer do. */
  witness({ holders, leases, nowMs }: Survey, halfLifeMs: number): void {
    const present = new Set<string>();
    for (const lease of holders.values()) {
      if (lease === null || lease.member === this.#member) continue;
      const { run, member, sinceMs } = lease;
      present.add(run);
      const devices = [...holders.values()].filter((holder) => holder?.run === run).length;
      this.#sightings.set(run, { member, devices, startMs: sinceMs, endMs: nowMs });
    }
    const over = [...this.#sightings].filter(([run]) => !present.has(run));
    for (const [run, sighting] of over) {
      this.#sightings.delete(run);
      const endedMs = leases.find((lease) => lease.run === run)?.endedMs ?? sighting.endMs;
      this.#addSeen(
        { ...sighting, endMs: Math.min(nowMs, Math.max(sighting.endMs, endedMs)) },
        nowMs,
        halfLifeMs,
      );
    }
    if (over.length > 0) this.#usage.write(this.#key, this.#content);
  }

  #addSeen(sighting: Sighting, nowMs: number, halfLifeMs: number): void {
    const member = String(sighting.member);
    const before = this.#content.seen[member] ?? { ...EMPTY_TALLY };
    const seen = { ...this.#content.seen, [member]: withUse(before, sighting, { nowMs, halfLifeMs }) };
    this.#content = { ...this.#content, seen };
  }
}
