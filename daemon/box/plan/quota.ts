// What each member holds, against the limits of the box. The reserved run's share is set aside too: a later run of the
// same member must not use up the limit that the reserved one needs.
import { limitsOf } from './refusal.ts';
import type { PlanDevice, PlanPolicy, PlanTicket, WaitReason } from './types.ts';

interface Held {
  devices: number;
  runs: Set<string>;
}

export class Quota {
  readonly #policy: PlanPolicy;
  readonly #held = new Map<number, Held>();

  constructor(policy: PlanPolicy, devices: readonly PlanDevice[]) {
    this.#policy = policy;
    for (const { id, state } of devices) {
      if (state.kind !== 'leased' || state.member === null) continue;
      this.#add(state.member, state.run ?? id, 1);
    }
  }

  /** Null when the ticket may have its devices. */
  fault(ticket: PlanTicket): Extract<WaitReason, { kind: 'limit' }> | null {
    const { maxDevices, maxRuns } = limitsOf(this.#policy, ticket.member);
    const held = this.#held.get(ticket.member) ?? { devices: 0, runs: new Set() };
    if (maxDevices !== null && held.devices + ticket.gpus > maxDevices) {
      return { kind: 'limit', what: 'devices', limit: maxDevices, used: held.devices };
    }
    if (maxRuns !== null && held.runs.size + 1 > maxRuns) {
      return { kind: 'limit', what: 'runs', limit: maxRuns, used: held.runs.size };
    }
    return null;
  }

  take(ticket: PlanTicket): void {
    this.#add(ticket.member, ticket.run, ticket.gpus);
  }

  #add(member: number, run: string, devices: number): void {
    const held = this.#held.get(member) ?? { devices: 0, runs: new Set<string>() };
    held.devices += devices;
    held.runs.add(run);
    this.#held.set(member, held);
  }
}
