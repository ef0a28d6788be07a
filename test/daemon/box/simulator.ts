// A machine in virtual time: runs arrive, hold devices and end; a policy decides at each of these instants, as the
// daemons of a box do. Checks at every step that no device is given twice.
import type {
  Decision,
  PlanDevice,
  PlanPolicy,
  PlanTicket,
  PlanView,
  Reservation,
} from '../../../daemon/box/plan/types.ts';

export interface SimulatedRun {
  id: string;
  member: number;
  gpus: number;
  type: string | null;
  priority: number;
  submitMs: number;
  /** What it asks for; null for the box's default. */
  limitMs: number | null;
  /** What it really takes. A limit ends it. */
  lengthMs: number;
  /** It is prepared that long after it was submitted; at once by default. */
  preparesMs?: number;
}

export interface Outcome extends SimulatedRun {
  startMs: number;
  endMs: number;
  devices: string[];
}

export interface Promised {
  run: string;
  atMs: number;
  madeMs: number;
}

export type Policy = (view: PlanView, nowMs: number) => Pick<Decision, 'grants' | 'reservation'>;

export interface SimulationOptions {
  devices: readonly Omit<PlanDevice, 'state'>[];
  policy: PlanPolicy;
  decide: Policy;
  halfLifeMs: number;
  /** Called at each end: more work from a member who always has some. */
  refill?: (nowMs: number, member: number) => SimulatedRun[];
  untilMs?: number;
}

export interface Simulation {
  outcomes: Outcome[];
  /** Each reservation when it was first made. */
  promises: Promised[];
  /** Runs that never started. */
  left: SimulatedRun[];
  endMs: number;
}

export function simulate(runs: readonly SimulatedRun[], options: SimulationOptions): Simulation {
  return new Machine(runs, options).run();
}

class Machine {
  readonly #options: SimulationOptions;
  readonly #arrivals: SimulatedRun[];
  readonly #waiting = new Map<string, SimulatedRun>();
  readonly #running = new Map<string, Outcome>();
  readonly #outcomes: Outcome[] = [];
  readonly #promises = new Map<string, Promised>();
  readonly #usage = new Map<number, { value: number; asOfMs: number }>();
  #reservation: Reservation | null = null;

  constructor(runs: readonly SimulatedRun[], options: SimulationOptions) {
    this.#options = options;
    this.#arrivals = [...runs].sort((a, b) => a.submitMs - b.submitMs);
  }

  run(): Simulation {
    const { untilMs = Number.POSITIVE_INFINITY } = this.#options;
    let nowMs = 0;
    for (;;) {
      const nextMs = Math.min(
        this.#arrivals[0]?.submitMs ?? Number.POSITIVE_INFINITY,
        ...[...this.#running.values()].map(({ endMs }) => endMs),
        ...[...this.#waiting.values()].map(preparedMs).filter((atMs) => atMs > nowMs),
      );
      if (nextMs === Number.POSITIVE_INFINITY || nextMs > untilMs) break;
      nowMs = nextMs;
      this.#endAll(nowMs);
      while (this.#arrivals[0] !== undefined && this.#arrivals[0].submitMs <= nowMs) {
        const run = this.#arrivals.shift();
        if (run !== undefined) this.#waiting.set(run.id, run);
      }
      this.#decide(nowMs);
    }
    return {
      outcomes: [...this.#outcomes, ...this.#running.values()],
      promises: [...this.#promises.values()],
      left: [...this.#waiting.values()],
      endMs: nowMs,
    };
  }

  #endAll(nowMs: number): void {
    for (const run of this.#running.values()) {
      if (run.endMs > nowMs) continue;
      this.#running.delete(run.id);
      this.#outcomes.push(run);
      this.#charge(run, nowMs);
      for (const more of this.#options.refill?.(nowMs, run.member) ?? []) this.#waiting.set(more.id, more);
    }
  }

  #charge(run: Outcome, nowMs: number): void {
    const before = this.#decayed(run.member, nowMs);
    this.#usage.set(run.member, { value: before + this.#usedBy(run, nowMs), asOfMs: nowMs });
  }

  /** The integral of a running device-second's weight, in closed form. */
  #usedBy(run: Outcome, nowMs: number): number {
    const { halfLifeMs } = this.#options;
    return ((run.gpus * halfLifeMs) / Math.LN2 / 1000) * (1 - 2 ** (-(nowMs - run.startMs) / halfLifeMs));
  }

  #decayed(member: number, nowMs: number): number {
    const entry = this.#usage.get(member);
    return entry === undefined ? 0 : entry.value * 2 ** (-(nowMs - entry.asOfMs) / this.#options.halfLifeMs);
  }

  #view(nowMs: number): PlanView {
    const usage = new Map<number, number>();
    for (const member of this.#usage.keys()) usage.set(member, this.#decayed(member, nowMs));
    for (const run of this.#running.values()) {
      usage.set(run.member, (usage.get(run.member) ?? 0) + this.#usedBy(run, nowMs));
    }
    const { policy } = this.#options;
    return {
      devices: this.#options.devices.map((device) => ({ ...device, state: this.#stateOf(device.id) })),
      tickets: [...this.#waiting.values()].map((run) => ticketOf(run, nowMs)),
      policy,
      usage,
      reservation: this.#reservation,
    };
  }

  #stateOf(device: string): PlanDevice['state'] {
    const run = [...this.#running.values()].find(({ devices }) => devices.includes(device));
    if (run === undefined) return { kind: 'free' };
    const untilMs = run.startMs + (run.limitMs ?? this.#options.policy.defaultTimeMs);
    return { kind: 'leased', run: run.id, member: run.member, sinceMs: run.startMs, untilMs };
  }

  #decide(nowMs: number): void {
    const { grants, reservation } = this.#options.decide(this.#view(nowMs), nowMs);
    for (const grant of grants) this.#start(grant, nowMs);
    if (reservation !== null && !this.#promises.has(reservation.run)) {
      this.#promises.set(reservation.run, { run: reservation.run, atMs: reservation.atMs, madeMs: nowMs });
    }
    this.#reservation = reservation;
  }

  #start({ run: id, devices }: Decision['grants'][number], nowMs: number): void {
    const run = this.#waiting.get(id);
    if (run === undefined) throw new Error(`granted ${id}, which isn't waiting`);
    if (devices.length !== run.gpus || new Set(devices).size !== run.gpus) {
      throw new Error(`granted ${devices} to ${id}, which asked for ${run.gpus}`);
    }
    for (const device of devices) {
      if (this.#stateOf(device).kind !== 'free') throw new Error(`${device} was given to ${id} and is taken`);
      const known = this.#options.devices.find((candidate) => candidate.id === device);
      if (known === undefined || (run.type !== null && known.type !== run.type)) {
        throw new Error(`${device} is no ${run.type}`);
      }
    }
    if (preparedMs(run) > nowMs) throw new Error(`granted ${id}, which isn't prepared`);
    this.#waiting.delete(id);
    const lengthMs = Math.min(run.lengthMs, run.limitMs ?? this.#options.policy.defaultTimeMs);
    this.#running.set(id, { ...run, startMs: nowMs, endMs: nowMs + lengthMs, devices });
  }
}

function preparedMs({ submitMs, preparesMs = 0 }: SimulatedRun): number {
  return submitMs + preparesMs;
}

function ticketOf(run: SimulatedRun, nowMs: number): PlanTicket {
  return {
    run: run.id,
    member: run.member,
    gpus: run.gpus,
    type: run.type,
    timeMs: run.limitMs,
    priority: run.priority,
    seniorityMs: run.submitMs,
    daemonAlive: true,
    isPrepared: preparedMs(run) <= nowMs,
    passedOver: false,
  };
}

/** 1 when all are equal, 1/n when one has everything. */
export function jainIndex(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  const squares = values.reduce((total, value) => total + value * value, 0);
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares);
}

/** First come, first served, and nobody starts before who came earlier. */
export const fifo: Policy = (view) => inOrderOfArrival(view, { skip: false });

/** First come, first served, and whatever fits starts: large runs may wait for ever. */
export const greedySkipping: Policy = (view) => inOrderOfArrival(view, { skip: true });

function inOrderOfArrival(view: PlanView, { skip }: { skip: boolean }): ReturnType<Policy> {
  const free = view.devices.filter(({ state }) => state.kind === 'free').map(({ id }) => id);
  const grants: Decision['grants'] = [];
  for (const ticket of [...view.tickets].sort((a, b) => a.seniorityMs - b.seniorityMs)) {
    if (ticket.gpus <= free.length) {
      grants.push({ run: ticket.run, member: ticket.member, devices: free.splice(0, ticket.gpus) });
    } else if (!skip) break;
  }
  return { grants, reservation: null };
}
