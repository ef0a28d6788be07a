// Leases: what a run holds, said by its owner. Only the flock decides whether a device is held; these files say by whom,
// since when and until when. First line JSON, then one line each when the supervisor has the locks, and when all is over:
//   {"run":…,"daemon":…,"devices":[…],"timeMs":…,"claimUntilMs":…}
//   held <pid> <start time> <boot id>
//   ended <ms>
import { rmSync } from 'node:fs';
import { z } from 'zod';
import { type ProcessIdentity, parseIdentity } from '../../supervisor/identity.ts';
import { makeFifo } from './life.ts';
import { parseJson } from './parse-json.ts';
import { type BoxPlaces, isRunId, uidOfKey } from './places.ts';
import { type ForeignFile, ForeignFolder, type Ignored } from './read-file.ts';
import { appendOwn, moveOwn, replaceOwn } from './write-file.ts';

const headSchema = z.object({
  run: z.string(),
  /** Of its owner's daemons, the one that answers for it. */
  daemon: z.string(),
  devices: z.array(z.string().max(64)).min(1).max(1024),
  timeMs: z.number().positive().nullable(),
  claimUntilMs: z.number(),
});

export type Claim = z.infer<typeof headSchema>;

interface LeaseContent extends Claim {
  /** The supervisor, which leads the session of everything that the run starts; null while it is being started. */
  supervisor: ProcessIdentity | null;
  endedMs: number | null;
}

export interface Lease extends LeaseContent {
  member: number;
  sinceMs: number;
}

/** For a supervisor to take the locks before the claim is void. */
const HANDOVER_MS = 2000;
/** A claim without a lock can't hold a device for longer, whatever it says. */
export const MAX_CLAIM_MS = 10_000;

export class Leases {
  readonly #places: BoxPlaces;
  readonly #folder: ForeignFolder<LeaseContent>;

  #spare: Promise<string | undefined> | undefined;

  constructor(places: BoxPlaces) {
    this.#places = places;
    this.#folder = new ForeignFolder(places.leases, '.lease', parseLease);
  }

  read(): { leases: Lease[]; ignored: Ignored[] } {
    const { entries, ignored } = this.#folder.read();
    const leases = entries.map(({ file, content }) => ({
      ...content,
      member: file.uid,
      sinceMs: file.birthMs,
    }));
    return { leases, ignored };
  }

  /** Whether a daemon has any that isn't over. */
  hasOpen(daemon: string): boolean {
    return this.read().leases.some((lease) => lease.daemon === daemon && lease.endedMs === null);
  }

  /** Makes the next claim's fifo ahead: that takes a process, and everybody waits for a claim. */
  prepare(daemon: string): void {
    // Without one, for whatever reason, the claim makes its own, and says what is wrong.
    this.#spare ??= makeFifo(this.#places.spareLife(daemon)).catch(() => undefined);
  }

  async dropPrepared(): Promise<void> {
    const spare = await this.#spare;
    this.#spare = undefined;
    if (spare !== undefined) rmSync(spare, { force: true });
  }

  /** Says, while we decide, that a run of ours is about to take these devices. */
  async claim(claim: Claim): Promise<void> {
    await this.#takeFifo(this.#places.leaseLife(claim.run));
    replaceOwn(this.#places.lease(claim.run), `${JSON.stringify(claim)}\n`);
  }

  async #takeFifo(path: string): Promise<void> {
    const spare = await this.#spare;
    this.#spare = undefined;
    if (spare === undefined || !moveOwn(spare, path)) await makeFifo(path);
  }

  /** Makes a claim of ours last as long as any can. Returns for how many ms it is good; 0 when it isn't there any more. */
  extend(run: string): number {
    const lease = this.read().leases.find((candidate) => candidate.run === run);
    if (lease === undefined) return 0;
    const { daemon, devices, timeMs } = lease;
    const claim: Claim = { run, daemon, devices, timeMs, claimUntilMs: Date.now() + MAX_CLAIM_MS };
    replaceOwn(this.#places.lease(run), `${JSON.stringify(claim)}\n`);
    return MAX_CLAIM_MS - HANDOVER_MS;
  }

  /** The supervisor writes this line itself; a daemon may, for one that doesn't. */
  noteHeld(run: string, { pid, startTime, bootId }: ProcessIdentity): void {
    appendOwn(this.#places.lease(run), `held ${pid} ${startTime} ${bootId}`);
  }

  noteEnded(run: string, nowMs: number): void {
    appendOwn(this.#places.lease(run), `ended ${nowMs}`);
  }

  remove(run: string): void {
    rmSync(this.#places.lease(run), { force: true });
    rmSync(this.#places.leaseLife(run), { force: true });
  }
}

function parseLease(file: ForeignFile): LeaseContent | string {
  const end = file.text.indexOf('\n');
  const head = parseJson(headSchema, file.text.slice(0, Math.max(0, end)));
  if (typeof head === 'string') return head;
  if (uidOfKey(head.daemon) !== file.uid) return "it names another member's daemon";
  if (!isRunId(head.run) || file.name !== `${head.run}.lease`) return 'its name is not that of its run';
  const held = /^held (.*\n)/m.exec(file.text)?.[1];
  const ended = /^ended (\d{1,16})\n/m.exec(file.text)?.[1];
  return {
    ...head,
    supervisor: parseIdentity(held) ?? null,
    endedMs: ended === undefined ? null : Number(ended),
  };
}
