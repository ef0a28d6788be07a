// When each device is free, as far as time limits tell, and which ones a ticket would get.

import type { KeptDevices } from './kept.ts';
import { isOfType } from './refusal.ts';
import type { PlanDevice, PlanTicket } from './types.ts';

interface Slot {
  device: PlanDevice;
  index: number;
  /** Infinity: used by a stranger, or drained. */
  freeAtMs: number;
  /** As soon as this whoever decides: now. A device past its time limit isn't. */
  isFree: boolean;
}

export interface Choice {
  devices: string[];
  atMs: number;
}

export interface Due {
  device: string;
  atMs: number;
}

/** A holder over its time limit is being ended; nobody can be promised its devices this instant. */
const SOON_MS = 1000;

export class Pool {
  readonly #slots: Slot[];
  #freeCount: number;
  readonly #groupsByRequest = new Map<string, Slot[][]>();

  private constructor(slots: Slot[]) {
    this.#slots = slots;
    this.#freeCount = slots.filter(({ isFree }) => isFree).length;
  }

  static of(devices: readonly PlanDevice[], nowMs: number, defaultTimeMs: number): Pool {
    const slots = devices.map((device, index) => ({
      device,
      index,
      freeAtMs: freeAt(device, nowMs, defaultTimeMs),
      isFree: device.state.kind === 'free',
    }));
    return new Pool(slots);
  }

  copy(): Pool {
    return new Pool(this.#slots.map((slot) => ({ ...slot })));
  }

  /** Somebody may have them for longer already. */
  occupy(devices: readonly string[], untilMs: number): void {
    const taken = new Set(devices);
    for (const slot of this.#slots) {
      if (!taken.has(slot.device.id)) continue;
      if (slot.isFree) this.#freeCount -= 1;
      slot.freeAtMs = Math.max(slot.freeAtMs, untilMs);
      slot.isFree = false;
    }
  }

  freeCount(type: string | null): number {
    if (this.#freeCount === 0) return 0;
    return this.#slots.filter((slot) => slot.isFree && isOfType(slot.device, type)).length;
  }

  /** Devices that the ticket can have now; undefined when there are too few. */
  chooseNow(ticket: PlanTicket): string[] | undefined {
    return this.#pick(ticket, (slot) => slot.isFree, byWorth);
  }

  /**
   * Devices that the ticket can have now without delaying anyone for whom devices are kept: those from which it is gone
   * before they are due. The first to be due first: the others suit longer runs.
   */
  chooseBeside(ticket: PlanTicket, kept: KeptDevices, endsMs: number): string[] | undefined {
    return this.#pick(
      ticket,
      (slot) => slot.isFree && endsMs <= kept.dueMs(slot.device.id),
      (a, b) => compare(kept.dueMs(a.device.id), kept.dueMs(b.device.id)) || byWorth(a, b),
    );
  }

  /** If the ticket takes the free devices that are due last: the one of them that is due first. Undefined: too few are free. */
  lastDue(ticket: PlanTicket, kept: KeptDevices): Due | undefined {
    if (this.#freeCount < ticket.gpus) return undefined;
    let best: Due | undefined;
    for (const group of this.#groups(ticket)) {
      const free = group.filter(({ isFree }) => isFree).map(({ device: { id } }) => id);
      const due = free
        .map((device) => ({ device, atMs: kept.dueMs(device) }))
        .sort((x, y) => compare(y.atMs, x.atMs))[ticket.gpus - 1];
      if (due !== undefined && (best === undefined || due.atMs > best.atMs)) best = due;
    }
    return best;
  }

  /** The earliest time at which enough devices are free, if the limits are kept; undefined when nobody can tell. */
  earliest(ticket: PlanTicket): Choice | undefined {
    let best: Choice | undefined;
    for (const group of this.#groups(ticket)) {
      // Nearly in order from the last time, so this costs little even for a thousand tickets.
      group.sort(byTime);
      const atMs = group[ticket.gpus - 1]?.freeAtMs ?? Number.POSITIVE_INFINITY;
      if (atMs === Number.POSITIVE_INFINITY || (best !== undefined && best.atMs <= atMs)) continue;
      // Of those that are free by then the latest: what is free earlier can serve others meanwhile.
      let end = ticket.gpus;
      while (group[end]?.freeAtMs === atMs) end += 1;
      best = { devices: inOrder(group.slice(end - ticket.gpus, end)), atMs };
    }
    return best;
  }

  #pick(
    ticket: PlanTicket,
    may: (slot: Slot) => boolean,
    compare: (a: Slot, b: Slot) => number,
  ): string[] | undefined {
    if (this.#freeCount < ticket.gpus) return undefined;
    for (const group of this.#groups(ticket)) {
      const usable = group.filter(may);
      if (usable.length >= ticket.gpus) return inOrder(usable.sort(compare).slice(0, ticket.gpus));
    }
    return undefined;
  }

  /** Sets of devices to choose from. A run gets devices of one type wherever a type has enough of them. */
  #groups({ gpus, type }: PlanTicket): Slot[][] {
    const key = `${gpus} ${type?.toLowerCase() ?? ''}`;
    const known = this.#groupsByRequest.get(key) ?? this.#makeGroups(gpus, type);
    this.#groupsByRequest.set(key, known);
    return known;
  }

  #makeGroups(gpus: number, wanted: string | null): Slot[][] {
    const types = new Map<string, Slot[]>();
    for (const slot of this.#slots) {
      if (!isOfType(slot.device, wanted)) continue;
      const type = slot.device.type.toLowerCase();
      types.set(type, [...(types.get(type) ?? []), slot]);
    }
    const large = [...types.values()].filter((slots) => slots.length >= gpus);
    if (large.length === 0) return [[...types.values()].flat()];
    return large.sort((a, b) => worthOf(a) - worthOf(b));
  }
}

function freeAt({ state }: PlanDevice, nowMs: number, defaultTimeMs: number): number {
  switch (state.kind) {
    case 'free':
      return nowMs;
    case 'leased':
      return Math.max(state.untilMs ?? nowMs + defaultTimeMs, nowMs + SOON_MS);
    case 'stranger':
    case 'drained':
      return Number.POSITIVE_INFINITY;
    default:
      return state satisfies never;
  }
}

/** Also of two infinities. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

/** Smaller memory first, so that the large devices stay for who asks for them. */
function byWorth(a: Slot, b: Slot): number {
  return a.device.memoryMb - b.device.memoryMb || a.index - b.index;
}

/** By the time when they are free; of those with the same, the ones that are worth less last. */
function byTime(a: Slot, b: Slot): number {
  return a.freeAtMs === b.freeAtMs ? byWorth(b, a) : a.freeAtMs - b.freeAtMs;
}

function worthOf(slots: readonly Slot[]): number {
  return Math.max(...slots.map((slot) => slot.device.memoryMb));
}

function inOrder(slots: readonly Slot[]): string[] {
  return [...slots].sort((a, b) => a.index - b.index).map((slot) => slot.device.id);
}
