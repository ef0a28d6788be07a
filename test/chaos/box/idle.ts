// Was a device free and unused while somebody entitled to it waited? Pure: fed with one look at the machine after another.
// Who is entitled follows from docs/scheduling.md: the first in line when enough is free for it; another one when it fits
// beside what is reserved for the first, or ends, by its own limit, before that is due; and whoever has been given devices, and
// nobody else as long as they are on their way to it. For the next runs of the other members devices are kept too: while such
// a run waits, one is surely entitled only if it ends before any device could be due for that. Shares no code with the daemon.

export interface WaitingTicket {
  run: string;
  /** The uid of its owner. */
  member: number;
  gpus: number;
  type: string | null;
  timeMs: number;
  /** Its daemon's word, for the story alone. */
  prepared?: boolean;
}

export interface Look {
  atMs: number;
  /** Devices that nobody holds or uses. */
  free: readonly string[];
  /** Of runs that hold nothing, whose daemon lives and has taken its place in the line. */
  waiting: readonly WaitingTicket[];
  reservation: { run: string; devices: readonly string[]; atMs: number } | null;
  /** Run → the devices that it has been given, and is to take at once. */
  claims: ReadonlyMap<string, readonly string[]>;
  /** Of all runs that have a place in the line, those included that could not start yet: the members. */
  line: ReadonlyMap<string, number>;
  /** When the first of the devices that are held is free, if all keep to their limits; Infinity when none is held. */
  dueMs: number;
  /** Why nobody is to be blamed just now; null when somebody is. */
  excuse: string | null;
}

export interface IdleWindow {
  run: string;
  startMs: number;
  lengthMs: number;
  excuse: string | null;
  /** What made it entitled, at last. */
  as: 'given devices' | 'the first' | 'beside the first';
  /** What was to be seen of it, each time that this changed. */
  story: { atMs: number; text: string }[];
}

export class IdleWatch {
  readonly windows: IdleWindow[] = [];
  readonly #types: ReadonlyMap<string, string>;
  readonly #freeSince = new Map<string, number>();
  readonly #open = new Map<string, IdleWindow>();

  /** `types`: of each device of the box. */
  constructor(types: ReadonlyMap<string, string>) {
    this.#types = types;
  }

  note(look: Look): void {
    const free = new Set(look.free);
    for (const device of this.#types.keys()) {
      if (!free.has(device)) this.#freeSince.delete(device);
      else if (!this.#freeSince.has(device)) this.#freeSince.set(device, look.atMs);
    }
    const entitled = new Map(
      look.waiting.flatMap((ticket) => {
        const sinceMs = this.#entitledSince(ticket, look);
        return sinceMs === null ? [] : [[ticket.run, sinceMs] as const];
      }),
    );
    for (const run of [...this.#open.keys()]) if (!entitled.has(run)) this.#close(run, look.atMs);
    for (const [run, sinceMs] of entitled) this.#extend(run, sinceMs, look);
  }

  /** Whoever still waits has waited until now. */
  end(atMs: number): IdleWindow[] {
    for (const run of [...this.#open.keys()]) this.#close(run, atMs);
    return this.windows;
  }

  #extend(run: string, sinceMs: number, look: Look): void {
    const { atMs, excuse } = look;
    const open = this.#open.get(run);
    // Other devices than before: those from before were used in between.
    if (open !== undefined && sinceMs > open.startMs) this.#close(run, sinceMs);
    const as = entitledAs(run, look);
    const known = this.#open.get(run) ?? { run, startMs: atMs, lengthMs: 0, excuse, as, story: [] };
    this.#open.set(run, known);
    known.as = as;
    known.excuse ??= excuse;
    const text = storyOf(run, look);
    if (known.story.at(-1)?.text !== text) known.story.push({ atMs, text });
  }

  #close(run: string, atMs: number): void {
    const open = this.#open.get(run);
    this.#open.delete(run);
    if (open === undefined) return;
    this.windows.push({ ...open, lengthMs: atMs - open.startMs });
  }

  /** Since when there has been enough for it, all the time; null when it has to wait. */
  #entitledSince(ticket: WaitingTicket, look: Look): number | null {
    const { atMs, reservation, claims } = look;
    if (claims.has(ticket.run)) return this.#open.get(ticket.run)?.startMs ?? atMs;
    const isFirst = reservation === null || reservation.run === ticket.run;
    if (!isFirst && mayBeKept(ticket, look)) return null;
    const endsBefore = reservation !== null && atMs + ticket.timeMs <= reservation.atMs;
    const taken = new Set(isFirst || endsBefore ? [] : reservation?.devices);
    for (const device of [...claims.values()].flat()) taken.add(device);
    const times = this.#groups(ticket).flatMap((group) => {
      const since = group
        .filter((device) => !taken.has(device))
        .flatMap((device) => this.#freeSince.get(device) ?? [])
        .sort((a, b) => a - b);
      return since[ticket.gpus - 1] ?? [];
    });
    return times.length === 0 ? null : Math.min(...times);
  }

  /** A run gets devices of one type wherever a type has enough of them. */
  #groups({ gpus, type }: WaitingTicket): string[][] {
    const all = [...this.#types.keys()];
    if (type !== null) return [all.filter((device) => this.#types.get(device) === type)];
    const groups = [...new Set(this.#types.values())].map((each) =>
      all.filter((device) => this.#types.get(device) === each),
    );
    const large = groups.filter((group) => group.length >= gpus);
    return large.length === 0 ? [all] : large;
  }
}

function storyOf(run: string, look: Look): string {
  const isReady = look.waiting.find((ticket) => ticket.run === run)?.prepared;
  const given = look.claims.get(run)?.join() ?? 'nothing';
  const reserved =
    look.reservation === null ? 'nothing' : `${look.reservation.devices} for ${look.reservation.run}`;
  return `${entitledAs(run, look)}: free ${look.free.join()}, given ${given}, reserved ${reserved}, prepared ${isReady}`;
}

function entitledAs(run: string, { claims, reservation }: Look): IdleWindow['as'] {
  if (claims.has(run)) return 'given devices';
  return reservation === null || reservation.run === run ? 'the first' : 'beside the first';
}

/** True when what is free could be due, before the ticket's run has ended, for the next run of a third member. */
function mayBeKept({ member, timeMs }: WaitingTicket, { atMs, reservation, line, dueMs }: Look): boolean {
  const first = reservation === null ? undefined : line.get(reservation.run);
  const isThere = [...line.values()].some((other) => other !== member && other !== first);
  return isThere && atMs + timeMs > dueMs;
}
