// Who gets which devices now, who is next and when, and why everyone else waits. Pure: all daemons of a box come to the
// same decision from the same view, so it must depend on nothing but its arguments.

import { KeptDevices } from './kept.ts';
import { orderLine } from './order.ts';
import { Pool } from './pool.ts';
import { Quota } from './quota.ts';
import { plannedMs, refusalOf } from './refusal.ts';
import type {
  Blocked,
  Decision,
  Holder,
  PlanDevice,
  PlanTicket,
  PlanView,
  Refusal,
  Reservation,
  Waiting,
  WaitReason,
} from './types.ts';

interface Delayed {
  ticket: PlanTicket;
  reason: WaitReason;
}

export function planBox(view: PlanView, nowMs: number): Decision {
  const refusals = refusalsOf(view);
  const refused = new Set(refusals.map(({ run }) => run));
  const tickets = view.tickets.filter(({ run }) => !refused.has(run));
  const present = tickets.filter((ticket) => ticket.daemonAlive && !ticket.passedOver);
  const line = withReservedFirst(
    orderLine(present, { policy: view.policy, usage: view.usage, nowMs }),
    view.reservation,
  );
  const round = new Round(view, nowMs);
  for (const ticket of line) round.place(ticket);
  round.lookAgain();
  const absent: Delayed[] = tickets
    .filter((ticket) => !ticket.daemonAlive || ticket.passedOver)
    .map((ticket) => ({
      ticket,
      reason: { kind: ticket.daemonAlive ? 'passed_over' : 'daemon_gone' },
    }));
  let starts: ReadonlyMap<string, number> | undefined;
  return {
    grants: round.grants,
    reservation: round.reservation,
    waiting: [
      ...round.delayed.map((delayed, index) => waiting(delayed, index + 1)),
      ...absent.map((delayed) => waiting(delayed, null)),
    ],
    refusals,
    expectedStarts() {
      starts ??= expectedStarts(view, round, nowMs);
      return starts;
    },
  };
}

function refusalsOf(view: PlanView): Refusal[] {
  return view.tickets.flatMap((ticket) => {
    const { run, member } = ticket;
    const reason = refusalOf(ticket, view.devices, { policy: view.policy, member });
    return reason === null ? [] : [{ run, member, reason }];
  });
}

/** A reservation once made stays: whoever has come to a better place meanwhile starts after it, or beside it. */
function withReservedFirst(line: PlanTicket[], reservation: Reservation | null): PlanTicket[] {
  const reserved = line.find(({ run }) => run === reservation?.run);
  return reserved === undefined ? line : [reserved, ...line.filter((ticket) => ticket !== reserved)];
}

class Round {
  readonly grants: Decision['grants'] = [];
  /** Those that are in the line and don't start now, in order. */
  readonly delayed: Delayed[] = [];
  reservation: Reservation | null = null;
  readonly pool: Pool;
  readonly #quota: Quota;
  readonly #view: PlanView;
  readonly #nowMs: number;
  /** For those that wait; undefined as long as nobody does. */
  #kept: KeptDevices | undefined;
  #first: PlanTicket | undefined;
  /** What is free if those whose turn has come before they were prepared take what they may; undefined: there are none. */
  #spoken: Pool | undefined;

  constructor(view: PlanView, nowMs: number) {
    this.#view = view;
    this.#nowMs = nowMs;
    this.pool = Pool.of(view.devices, nowMs, view.policy.defaultTimeMs);
    this.#quota = new Quota(view.policy, view.devices);
  }

  /** Gives the ticket its devices, or notes why not. */
  place(ticket: PlanTicket): void {
    const reason =
      this.#quota.fault(ticket) ??
      (this.#kept === undefined ? this.#placeNext(ticket) : this.#placeBeside(ticket, this.#kept));
    if (reason !== null) this.delayed.push({ ticket, reason });
  }

  /** Whoever was prepared may have taken what others, before them in the line, were not prepared to take. */
  lookAgain(): void {
    for (const [index, delayed] of this.delayed.entries()) {
      const { ticket, reason } = delayed;
      if (reason.kind !== 'unprepared' || this.pool.chooseNow(ticket) !== undefined) continue;
      const { blocked, holders } = this.#obstacles(ticket);
      const free = this.pool.freeCount(ticket.type);
      delayed.reason =
        index === 0
          ? { kind: 'devices', needs: ticket.gpus, free, holders, blocked }
          : this.#behind(ticket, index);
    }
  }

  /** Nobody is being kept waiting yet: start it, or reserve what it needs. */
  #placeNext(ticket: PlanTicket): WaitReason | null {
    const now = this.#start(ticket, (pool) => pool.chooseNow(ticket));
    if (now !== undefined) return now.reason;
    const { blocked, holders, usable } = this.#obstacles(ticket);
    const choice = this.pool.earliest(ticket);
    if (choice === undefined) return { kind: 'blocked', needs: ticket.gpus, usable, blocked };
    const before = this.#view.reservation;
    const promisedMs = before?.run === ticket.run ? Math.min(before.promisedMs, choice.atMs) : choice.atMs;
    this.reservation = { run: ticket.run, ...choice, promisedMs };
    this.#first = ticket;
    this.#kept = new KeptDevices(this.pool);
    this.#kept.keep(ticket, plannedMs(ticket, this.#view.policy), choice);
    this.#quota.take(ticket);
    const free = this.pool.freeCount(ticket.type);
    return { kind: 'devices', needs: ticket.gpus, free, holders, blocked };
  }

  #placeBeside(ticket: PlanTicket, kept: KeptDevices): WaitReason | null {
    const lengthMs = plannedMs(ticket, this.#view.policy);
    const endsMs = this.#nowMs + lengthMs;
    const due = kept.lastDue(ticket);
    const isInTime = due !== undefined && endsMs <= due.atMs;
    const now = isInTime && this.#start(ticket, (pool) => pool.chooseBeside(ticket, kept, endsMs));
    if (now) return now.reason;
    const inTheWay = due && kept.whose(due.device);
    kept.keep(ticket, lengthMs);
    if (inTheWay !== undefined) {
      const { run, member, devices: reserved, atMs } = inTheWay;
      return { kind: 'reserved', first: { run, member }, devices: reserved, atMs };
    }
    return this.#behind(ticket);
  }

  #behind(ticket: PlanTicket, ahead = this.delayed.length): WaitReason {
    const { run, member } = this.#first ?? this.delayed[0]?.ticket ?? ticket;
    const free = this.pool.freeCount(ticket.type);
    return { kind: 'behind', ahead, first: { run, member }, needs: ticket.gpus, free };
  }

  /** Undefined when there is nothing for it. Else its reason to wait, null when it has its devices. */
  #start(
    ticket: PlanTicket,
    choose: (pool: Pool) => string[] | undefined,
  ): { reason: WaitReason | null } | undefined {
    const devices = choose(this.pool);
    if (devices === undefined) return undefined;
    if (!ticket.isPrepared) this.#spoken ??= this.pool.copy();
    const spoken = this.#spoken && choose(this.#spoken);
    if (spoken !== undefined) this.#spoken?.occupy(spoken, this.#nowMs);
    if (ticket.isPrepared) return { reason: this.#grant(ticket, devices) };
    // As many are told to prepare themselves as there are devices for.
    return { reason: spoken === undefined ? this.#behind(ticket) : { kind: 'unprepared' } };
  }

  #grant(ticket: PlanTicket, devices: string[]): null {
    this.grants.push({ run: ticket.run, member: ticket.member, devices });
    const untilMs = this.#nowMs + plannedMs(ticket, this.#view.policy);
    this.pool.occupy(devices, untilMs);
    this.#kept?.started(devices, untilMs);
    this.#quota.take(ticket);
    return null;
  }

  #obstacles(ticket: PlanTicket): { holders: Holder[]; blocked: Blocked[]; usable: number } {
    const suitable = this.#view.devices.filter(
      (device) => ticket.type === null || device.type.toLowerCase() === ticket.type.toLowerCase(),
    );
    const blocked = suitable.flatMap(blockedBy);
    return { holders: suitable.flatMap(holderOf), blocked, usable: suitable.length - blocked.length };
  }
}

function holderOf({ id, state }: PlanDevice): Holder[] {
  if (state.kind !== 'leased') return [];
  return [{ device: id, run: state.run, member: state.member, untilMs: state.untilMs }];
}

function blockedBy({ id, state }: PlanDevice): Blocked[] {
  if (state.kind === 'stranger') return [{ device: id, kind: 'stranger', words: state.who }];
  if (state.kind === 'drained') return [{ device: id, kind: 'drained', words: state.why }];
  return [];
}

/** What ends early only brings them forward. */
function expectedStarts(view: PlanView, round: Round, nowMs: number): Map<string, number> {
  const starts = new Map<string, number>();
  const pool = round.pool.copy();
  const { reservation, delayed } = round;
  const first = delayed.find(({ ticket }) => ticket.run === reservation?.run);
  const place = ({ ticket, reason }: Delayed): void => {
    const choice = pool.earliest(ticket);
    if (choice === undefined) return;
    const atMs = reason.kind === 'limit' ? Math.max(choice.atMs, ownEnd(view, ticket, nowMs)) : choice.atMs;
    pool.occupy(choice.devices, atMs + plannedMs(ticket, view.policy));
    starts.set(ticket.run, atMs);
  };
  const isSoon = ({ reason }: Delayed): boolean => reason.kind === 'unprepared';
  for (const each of delayed) if (isSoon(each)) place(each);
  if (reservation !== null && first !== undefined) {
    starts.set(reservation.run, reservation.atMs);
    pool.occupy(reservation.devices, reservation.atMs + plannedMs(first.ticket, view.policy));
  }
  for (const each of delayed) if (each !== first && !isSoon(each)) place(each);
  return starts;
}

/** When the first of a member's own leases ends. */
function ownEnd(view: PlanView, { member }: PlanTicket, nowMs: number): number {
  const ends = view.devices.flatMap(({ state }) =>
    state.kind === 'leased' && state.member === member
      ? [state.untilMs ?? nowMs + view.policy.defaultTimeMs]
      : [],
  );
  return ends.length === 0 ? nowMs : Math.min(...ends);
}

function waiting({ ticket, reason }: Delayed, position: number | null): Waiting {
  return { run: ticket.run, member: ticket.member, position, reason };
}
