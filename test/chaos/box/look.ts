// One look at the box and the machine, by root, from files, /proc and the kernel's table of locks alone. Shares no code with
// the daemon, and disturbs nothing: it takes no lock and opens no fifo.
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Look, WaitingTicket } from './idle.ts';

export interface LivingRun {
  run: string;
  devices: string[];
  pids: number[];
}

/** Runs of which any process lives, from the variables that each of them was started with. */
export function livingRuns(uids: ReadonlySet<number>): Map<string, LivingRun> {
  const runs = new Map<string, LivingRun>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const uid = statSync(`/proc/${name}`, { throwIfNoEntry: false })?.uid;
    if (uid === undefined || !uids.has(uid)) continue;
    const { run, devices } = runOf(Number(name));
    if (run === undefined) continue;
    const known = runs.get(run) ?? { run, devices, pids: [] };
    known.pids.push(Number(name));
    runs.set(run, known);
  }
  return runs;
}

/** Undefined for a process that is no run's, or is on its way out. */
export function runOf(pid: number): { run: string | undefined; devices: string[] } {
  const environ = read(`/proc/${pid}/environ`);
  const run = /(?:^|\0)QWEX_RUN_ID=([^\0]*)/.exec(environ)?.[1];
  const devices = /(?:^|\0)QWEX_GPUS=([^\0]*)/.exec(environ)?.[1] ?? '';
  return { run, devices: devices.split(',').filter((device) => device !== '') };
}

export interface BoxLook {
  locked: Set<string>;
  waiting: WaitingTicket[];
  reservation: { run: string; devices: string[]; atMs: number } | null;
  line: Map<string, number>;
  claims: Look['claims'];
  dueMs: number;
  /** Why nobody is to be blamed just now; null when somebody is. */
  excuse: string | null;
}

/** For those behind a daemon that has died to see it, to give way to whom it may concern, and to decide. */
const NOTICED_MS = 300;

export class BoxReader {
  readonly #box: string;
  readonly #inodes: ReadonlyMap<string, string>;
  readonly #spaces: ReadonlyMap<number, string>;
  readonly #deadSinceMs = new Map<string, number>();

  constructor(box: string, devices: readonly string[], spaces: ReadonlyMap<number, string>) {
    this.#box = box;
    this.#spaces = spaces;
    this.#inodes = new Map(
      devices.map((device) => [String(statSync(join(box, 'locks', `${device}.lock`)).ino), device] as const),
    );
  }

  look(): BoxLook {
    const daemons = this.#daemons();
    const tickets = this.#json<Ticket>('tickets', /\.json$/);
    const leases = this.#leases();
    const line = tickets.filter(({ content: { daemon } }) => daemons.has(daemon));
    return {
      locked: this.#locked(),
      waiting: tickets
        .filter(({ content }) => this.#isWaiting(content, daemons))
        .map(({ content }) => ({ ...content, member: memberOf(content) })),
      line: new Map(line.map(({ content }) => [content.run, memberOf(content)])),
      claims: claimsOf(leases, daemons),
      dueMs: Math.min(...leases.map(({ bornMs, timeMs }) => bornMs + timeMs)),
      reservation: this.#reservation(new Set(tickets.map(({ content }) => content.run))),
      excuse: this.#excuse(
        tickets.map(({ content }) => content),
        daemons,
      ),
    };
  }

  #excuse(tickets: readonly Ticket[], daemons: ReadonlyMap<string, boolean>): string | null {
    const nowMs = Date.now();
    const dead = new Set(tickets.map(({ daemon }) => daemon).filter((key) => !daemons.has(key)));
    for (const key of this.#deadSinceMs.keys()) if (!dead.has(key)) this.#deadSinceMs.delete(key);
    for (const key of dead) if (!this.#deadSinceMs.has(key)) this.#deadSinceMs.set(key, nowMs);
    if ([...daemons.values()].some((isReady) => !isReady)) return 'a daemon was starting';
    const isFresh = [...this.#deadSinceMs.values()].some((sinceMs) => nowMs - sinceMs < NOTICED_MS);
    return isFresh ? 'a daemon in the line had just died' : null;
  }

  #locked(): Set<string> {
    const lines = read('/proc/locks').matchAll(/^\d+: FLOCK\s+ADVISORY\s+WRITE\s+\S+ \S+:(\d+) /gm);
    return new Set([...lines].flatMap(([, inode]) => this.#inodes.get(inode ?? '') ?? []));
  }

  /** Key → whether it has decided since it came. Dead ones are left out. */
  #daemons(): Map<string, boolean> {
    const daemons = new Map<string, boolean>();
    for (const { name, path, content } of this.#json<Presence>('wake', /\.daemon$/)) {
      const stat = read(`/proc/${content.pid}/stat`);
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (/^[ZX]?$/.test(fields[0] ?? '') || fields[19] !== content.startTime) continue;
      const { mtimeMs, birthtimeMs } = lstatSync(path, { throwIfNoEntry: false }) ?? {
        mtimeMs: 0,
        birthtimeMs: 0,
      };
      daemons.set(name.replace(/\.daemon$/, ''), mtimeMs > birthtimeMs + 10);
    }
    return daemons;
  }

  #isWaiting({ daemon, run }: Ticket, daemons: ReadonlyMap<string, boolean>): boolean {
    if (daemons.get(daemon) !== true) return false;
    // Until the folder for its artifacts is there, git is not done yet: no device could be of use to it. What its ticket says
    // of that is its daemon's word.
    const spaces = this.#spaces.get(Number.parseInt(daemon, 10)) ?? '';
    if (!existsSync(join(spaces, run, 'out'))) return false;
    return !/^held /m.test(read(join(this.#box, 'leases', `${run}.lease`)));
  }

  /** Of the note that was written last, if its run still waits. */
  #reservation(waiting: ReadonlySet<string>): BoxLook['reservation'] {
    const notes = this.#json<Note>('leases', /\.note$/).map((note) => ({
      ...note,
      bornMs: lstatSync(note.path, { throwIfNoEntry: false })?.birthtimeMs ?? 0,
    }));
    const reservation = notes.sort((a, b) => b.bornMs - a.bornMs)[0]?.content.reservation ?? null;
    return reservation !== null && waiting.has(reservation.run) ? reservation : null;
  }

  /** Those that aren't over. */
  #leases(): Lease[] {
    const names = readdirSync(join(this.#box, 'leases')).filter((name) => name.endsWith('.lease'));
    return names.flatMap((name) => {
      const path = join(this.#box, 'leases', name);
      const [head, ...rest] = read(path).split('\n');
      // It may have gone meanwhile, or be over and not cleared away yet.
      if (!head || rest.some((line) => line.startsWith('ended '))) return [];
      const isHeld = rest.some((line) => line.startsWith('held '));
      const bornMs = lstatSync(path, { throwIfNoEntry: false })?.birthtimeMs ?? 0;
      return { ...(JSON.parse(head) as Omit<Lease, 'isHeld' | 'bornMs'>), isHeld, bornMs };
    });
  }

  #json<Content>(folder: string, names: RegExp): { name: string; path: string; content: Content }[] {
    return readdirSync(join(this.#box, folder))
      .filter((name) => names.test(name) && !name.startsWith('.'))
      .flatMap((name) => {
        const path = join(this.#box, folder, name);
        const text = read(path);
        // It may have gone meanwhile.
        return text === '' ? [] : [{ name, path, content: JSON.parse(text) as Content }];
      });
  }
}

type Ticket = Omit<WaitingTicket, 'member'> & { daemon: string };

/** A daemon's key begins with the uid of its owner. */
function memberOf({ daemon }: Ticket): number {
  return Number.parseInt(daemon, 10);
}

interface Lease {
  run: string;
  daemon: string;
  devices: string[];
  timeMs: number;
  claimUntilMs: number;
  isHeld: boolean;
  bornMs: number;
}

/** Of the runs whose turn it is and whose daemons live: devices that wait for them and for nobody else. */
function claimsOf(leases: readonly Lease[], daemons: ReadonlyMap<string, boolean>): Look['claims'] {
  const claims = leases.filter(
    ({ daemon, claimUntilMs, isHeld }) => !isHeld && claimUntilMs > Date.now() && daemons.has(daemon),
  );
  return new Map(claims.map(({ run, devices }) => [run, devices]));
}

interface Presence {
  pid: number;
  startTime: string;
}
interface Note {
  reservation: { run: string; devices: string[]; atMs: number } | null;
}

/** The kernel's own account of it, in all since boot; 0 where it keeps none. */
export function pressureMs(): number {
  const totals = ['cpu', 'io'].map(
    (what) => /^some .*total=(\d+)/m.exec(read(`/proc/pressure/${what}`))?.[1],
  );
  return totals.reduce((sum, us) => sum + Number(us ?? 0) / 1000, 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
