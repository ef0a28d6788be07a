// Leases: what a run holds, said by its owner. Only the flock decides whether a device is held; these files say by whom,
// since when and until when. First line JSON, then one line each when the supervisor has the locks, and when all is over:
//   {"run":…,"daemon":…,"devices":[…],"timeMs":…,"claimUntilMs":…}
//   held <pid> <start time> <boot id>
//   ended <ms>
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type ProcessIdentity, parseIdentity } from '../../supervisor/identity.ts';
import { makeFifo } from './life.ts';
import { freeStem, isForeign, isOurs, isRunFile } from './own-names.ts';
import { parseJson } from './parse-json.ts';
import { type BoxPlaces, uidOfKey } from './places.ts';
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
  /** Held open as long as the locks. */
  lifePath: string;
}

export interface LeasePaths {
  leasePath: string;
  lifePath: string;
}

/** A claim without a lock can't hold a device for longer, whatever it says. */
export const MAX_CLAIM_MS = 10_000;

const SUFFIX = /\.lease$/;

export class Leases {
  readonly #places: BoxPlaces;
  readonly #folder: ForeignFolder<LeaseContent>;

  /** Of our claims, where the plain name was another's. */
  readonly #chosen = new Map<string, LeasePaths>();
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
      lifePath: file.path.replace(SUFFIX, '.life'),
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

  /** Where the lease of a run of ours is, or would be. */
  pathsOf(run: string): LeasePaths {
    const chosen = this.#chosen.get(run);
    if (chosen !== undefined) return chosen;
    const found = this.#folder
      .read()
      .entries.find(({ file, content }) => isOurs(file) && content.run === run);
    return pathsAt(found?.file.path ?? this.#places.lease(run));
  }

  /** Says, while we decide, that a run of ours is about to take these devices. */
  async claim(claim: Claim): Promise<LeasePaths> {
    const { leases } = this.#places;
    const paths = pathsAt(join(leases, `${freeStem(leases, claim.run, ['.lease', '.life'])}.lease`));
    this.#chosen.set(claim.run, paths);
    await this.#takeFifo(paths.lifePath);
    replaceOwn(paths.leasePath, `${JSON.stringify(claim)}\n`);
    return paths;
  }

  async #takeFifo(path: string): Promise<void> {
    const spare = await this.#spare;
    this.#spare = undefined;
    if (spare === undefined || !moveOwn(spare, path)) await makeFifo(path);
  }

  /** The supervisor writes this line itself; a daemon may, for one that doesn't. */
  noteHeld(run: string, { pid, startTime, bootId }: ProcessIdentity): void {
    appendOwn(this.pathsOf(run).leasePath, `held ${pid} ${startTime} ${bootId}`);
  }

  noteEnded(run: string, nowMs: number): void {
    appendOwn(this.pathsOf(run).leasePath, `ended ${nowMs}`);
  }

  remove(run: string): void {
    const { leasePath, lifePath } = this.pathsOf(run);
    this.#chosen.delete(run);
    // The lease last: as long as it is there, whoever comes after us clears both away.
    for (const path of [lifePath, leasePath]) if (!isForeign(path)) rmSync(path, { force: true });
  }
}

function pathsAt(leasePath: string): LeasePaths {
  return { leasePath, lifePath: leasePath.replace(SUFFIX, '.life') };
}

function parseLease(file: ForeignFile): LeaseContent | string {
  const end = file.text.indexOf('\n');
  const head = parseJson(headSchema, file.text.slice(0, Math.max(0, end)));
  if (typeof head === 'string') return head;
  if (uidOfKey(head.daemon) !== file.uid) return "it names another member's daemon";
  if (!isRunFile(file.name, head.run, SUFFIX)) return 'its name is not that of its run';
  const held = /^held (.*\n)/m.exec(file.text)?.[1];
  const ended = /^ended (\d{1,16})\n/m.exec(file.text)?.[1];
  return {
    ...head,
    supervisor: parseIdentity(held) ?? null,
    endedMs: ended === undefined ? null : Number(ended),
  };
}
