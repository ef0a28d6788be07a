// What each member submits to the box. Pure: the same seed, member and number give the same wish.
import { randomFor } from '../random.ts';

export const KINDS = ['plain', 'closer', 'forker', 'stray'] as const;
export type Kind = (typeof KINDS)[number];

export interface BoxWish {
  tag: string;
  kind: Kind;
  gpus: number;
  gpuType: string | null;
  /** How long the job takes. */
  ms: number;
  /** The limit that it says it keeps to. */
  timeMs: number;
}

export interface Mix {
  seed: number;
  /** Type of each device of the box. */
  types: readonly string[];
}

export function boxWish({ seed, types }: Mix, member: number, index: number): BoxWish {
  const random = randomFor(seed ^ (member + 1), index);
  const distinct = [...new Set(types)];
  const gpuType = distinct.length > 1 && random.chance(0.4) ? random.pick(distinct) : null;
  const most = gpuType === null ? types.length : types.filter((type) => type === gpuType).length;
  const ms = random.pick([20, 100, 300, random.between(0, 900)]);
  return {
    tag: `m${member}n${index}`,
    kind: random.pick(['plain', 'plain', 'plain', 'closer', 'closer', 'forker', 'stray'] as Kind[]),
    gpus: Math.min(most, random.pick([1, 1, 1, 1, 2, 2, 3, random.between(1, most)])),
    gpuType,
    ms,
    timeMs: random.pick([5_000, 10_000, 60_000]),
  };
}

/** The words of the run's command. The tag is the fourth, as everywhere in these tests. */
export function boxCommand({ tag, kind, ms }: BoxWish, shared: string): [string, ...string[]] {
  return ['bash', 'job.sh', shared, tag, kind, String(ms)];
}
