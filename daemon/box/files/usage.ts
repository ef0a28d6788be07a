// Who has used how much. Each daemon writes one file: what it claims for its own member, and what it saw the others hold.
// The age of a device-second counts: after one half-life it weighs half.
import { z } from 'zod';
import { parseJson } from './parse-json.ts';
import { type BoxPlaces, uidOfKey } from './places.ts';
import { type ForeignFile, ForeignFolder, type Ignored } from './read-file.ts';
import { tryReplaceOwn } from './write-file.ts';

const DAY_MS = 86_400_000;
/** Older days are left out of the file; their weight has gone long before. */
const KEPT_DAYS = 60;
/** Runs whose leases have been counted and may still lie there. */
const KEPT_RUNS = 200;

const tallySchema = z.object({
  /** Device-seconds, each weighed by its age at `asOfMs`. */
  decayed: z.number().min(0),
  asOfMs: z.number(),
  /** `2026-10-01` (UTC) → device-seconds of the runs that ended that day, and how many. */
  days: z.record(z.string(), z.object({ deviceSeconds: z.number().min(0), runs: z.int().min(0) })),
});

const usageSchema = z.object({
  claim: tallySchema,
  counted: z.array(z.string()),
  seen: z.record(z.string().regex(/^\d{1,10}$/), tallySchema),
});

export type Tally = z.infer<typeof tallySchema>;
export type UsageContent = z.infer<typeof usageSchema>;

export interface UsageFile extends UsageContent {
  key: string;
  member: number;
}

export interface Use {
  devices: number;
  startMs: number;
  endMs: number;
}

export class Usage {
  readonly #places: BoxPlaces;
  readonly #folder: ForeignFolder<UsageContent>;

  constructor(places: BoxPlaces) {
    this.#places = places;
    this.#folder = new ForeignFolder(places.usage, '.json', parseUsage);
  }

  read(): { files: UsageFile[]; ignored: Ignored[] } {
    const { entries, ignored } = this.#folder.read();
    const files = entries.map(({ file, content }) => ({
      ...content,
      key: file.name.slice(0, -'.json'.length),
      member: file.uid,
    }));
    return { files, ignored };
  }

  write(key: string, content: UsageContent): void {
    const counted = content.counted.slice(-KEPT_RUNS);
    tryReplaceOwn(this.#places.usageFile(key), `${JSON.stringify({ ...content, counted })}\n`);
  }
}

export const EMPTY_TALLY: Readonly<Tally> = { decayed: 0, asOfMs: 0, days: {} };

/** What a use weighs now: the integral over its time of a weight that halves with each half-life of age. */
export function weighedUse({ devices, startMs, endMs }: Use, nowMs: number, halfLifeMs: number): number {
  const weight = (atMs: number): number => 2 ** (-Math.max(0, nowMs - atMs) / halfLifeMs);
  const seconds = ((weight(Math.max(startMs, endMs)) - weight(startMs)) * halfLifeMs) / Math.LN2 / 1000;
  return devices * seconds;
}

export function decayedTo(nowMs: number, tally: Tally, halfLifeMs: number): number {
  return tally.decayed * 2 ** (-Math.max(0, nowMs - tally.asOfMs) / halfLifeMs);
}

/** The tally with one more use that has ended. */
export function withUse(
  tally: Tally,
  use: Use,
  { nowMs, halfLifeMs }: { nowMs: number; halfLifeMs: number },
): Tally {
  const day = new Date(use.endMs).toISOString().slice(0, 10);
  const before = tally.days[day] ?? { deviceSeconds: 0, runs: 0 };
  const seconds = (use.devices * Math.max(0, use.endMs - use.startMs)) / 1000;
  const oldest = new Date(nowMs - KEPT_DAYS * DAY_MS).toISOString().slice(0, 10);
  const days = Object.entries(tally.days).filter(([name]) => name >= oldest && name !== day);
  return {
    decayed: decayedTo(nowMs, tally, halfLifeMs) + weighedUse(use, nowMs, halfLifeMs),
    asOfMs: nowMs,
    days: {
      ...Object.fromEntries(days),
      [day]: { deviceSeconds: before.deviceSeconds + seconds, runs: before.runs + 1 },
    },
  };
}

/**
 * Device-seconds by which fair share goes: the larger of what a member claims and what the others saw. Of several
 * witnesses the lower middle one counts, so that one alone can't burden somebody with what they never used.
 */
export function usageOf(
  member: number,
  files: readonly UsageFile[],
  { nowMs, halfLifeMs }: { nowMs: number; halfLifeMs: number },
): { claimed: number; witnessed: number } {
  const claimed = files
    .filter((file) => file.member === member)
    .reduce((sum, { claim }) => sum + decayedTo(nowMs, claim, halfLifeMs), 0);
  const figures = perWitness(member, files).map((tallies) =>
    Math.max(...tallies.map((tally) => decayedTo(nowMs, tally, halfLifeMs))),
  );
  return { claimed, witnessed: lowerMiddle(figures) };
}

/** What others have seen of a member: one entry for each witness, who may have several daemons. */
export function perWitness(member: number, files: readonly UsageFile[]): Tally[][] {
  const witnesses = new Map<number, Tally[]>();
  for (const file of files) {
    const tally = file.seen[String(member)];
    if (file.member === member || tally === undefined) continue;
    witnesses.set(file.member, [...(witnesses.get(file.member) ?? []), tally]);
  }
  return [...witnesses.values()];
}

export function lowerMiddle(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor((figures.length - 1) / 2)] ?? 0;
}

function parseUsage(file: ForeignFile): UsageContent | string {
  if (uidOfKey(file.name.slice(0, -'.json'.length)) !== file.uid) return "its name is another member's";
  return parseJson(usageSchema, file.text);
}
