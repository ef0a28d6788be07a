// Devices that are kept for those who wait, in the order of the line: for the first in line, and for the next run of every
// other member. Whoever comes later may use them only as long as they aren't due.
import type { Choice, Due, Pool } from './pool.ts';
import type { PlanTicket } from './types.ts';

export interface Kept extends Choice {
  run: string;
  member: number;
}

export class KeptDevices {
  /** When devices are free if all that was promised and started is kept to. */
  readonly #later: Pool;
  readonly #now: Pool;
  readonly #members = new Set<number>();
  /** Device → for whom it is due first. */
  readonly #due = new Map<string, Kept>();

  /** The same for every ticket that asks for the same, until something changes. */
  readonly #lastDue = new Map<string, Due | undefined>();

  constructor(now: Pool) {
    this.#now = now;
    this.#later = now.copy();
  }

  /** Keeps devices for a ticket, unless its member has some: one run each, or many waiting ones would keep everything. */
  keep(ticket: PlanTicket, plannedMs: number, chosen?: Choice): void {
    const { run, member } = ticket;
    if (this.#members.has(member)) return;
    this.#members.add(member);
    const choice = chosen ?? this.#later.earliest(ticket);
    if (choice === undefined) return;
    this.#lastDue.clear();
    for (const device of choice.devices) {
      if (choice.atMs < this.dueMs(device)) this.#due.set(device, { ...choice, run, member });
    }
    this.#later.occupy(choice.devices, choice.atMs + plannedMs);
  }

  started(devices: readonly string[], untilMs: number): void {
    this.#lastDue.clear();
    this.#later.occupy(devices, untilMs);
  }

  /** Until when a ticket may use devices that are free now, and because of which one; undefined: too few are free. */
  lastDue(ticket: PlanTicket): Due | undefined {
    const key = `${ticket.gpus} ${ticket.type}`;
    if (!this.#lastDue.has(key)) this.#lastDue.set(key, this.#now.lastDue(ticket, this));
    return this.#lastDue.get(key);
  }

  dueMs(device: string): number {
    return this.#due.get(device)?.atMs ?? Number.POSITIVE_INFINITY;
  }

  whose(device: string): Kept | undefined {
    return this.#due.get(device);
  }
}
