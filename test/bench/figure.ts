// One measured figure: what was compared with what, and whether the target is met. Pure.

export type Target =
  /** Ours is at most (at least) so many times the other's. */
  | { ratioAtMost: number }
  | { ratioAtLeast: number }
  /** Ours takes at most the n-th part of the other's time. */
  | { timesFaster: number }
  /** Ours is at most so much more than the other's, in the figure's unit. */
  | { differenceAtMost: number }
  /** Ours alone. */
  | { atMost: number };

export interface Figure {
  figure: string;
  unit: string;
  ours: number;
  /** null: nothing to compare with. */
  other: number | null;
  otherName: string | null;
  /** Of the pairs that were measured one after the other: their median, not that of two medians. */
  ratio: number | null;
  difference: number | null;
  target: string;
  /** null: the figure has no target, it explains another one. */
  met: boolean | null;
  samples: number;
}

interface Named {
  figure: string;
  unit: string;
  target?: Target;
}

/** A figure from measurements in pairs: `ours[i]` and `others[i]` were taken side by side. */
export function compared(of: Named & { otherName: string; ours: number[]; others: number[] }): Figure {
  const pairs = of.ours.map((value, at) => [value, of.others[at] ?? Number.NaN] as const);
  const ratio = median(pairs.map(([ours, other]) => ours / other));
  const difference = median(pairs.map(([ours, other]) => ours - other));
  return {
    ...{ figure: of.figure, unit: of.unit, ours: median(of.ours), other: median(of.others) },
    ...{ otherName: of.otherName, ratio, difference },
    target: targetText(of.target, of.unit),
    met: of.target ? isMet(of.target, { ours: median(of.ours), ratio, difference }) : null,
    samples: of.ours.length,
  };
}

/** A figure that stands alone. */
export function measured(of: Named & { value: number; samples?: number }): Figure {
  return {
    ...{ figure: of.figure, unit: of.unit, ours: of.value, other: null, otherName: null },
    ...{ ratio: null, difference: null },
    target: targetText(of.target, of.unit),
    met: of.target ? isMet(of.target, { ours: of.value, ratio: Number.NaN, difference: Number.NaN }) : null,
    samples: of.samples ?? 1,
  };
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** Nearest rank, so that it is a value that was measured; of an even number's middle, the mean of the two. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (percent / 100) * sorted.length;
  const upper = sorted[Math.min(sorted.length - 1, Math.floor(rank))] ?? Number.NaN;
  const lower = sorted[Math.max(0, Math.ceil(rank) - 1)] ?? Number.NaN;
  return percent === 50 ? (lower + upper) / 2 : lower;
}

function isMet(target: Target, { ours, ratio, difference }: Record<'ours' | 'ratio' | 'difference', number>) {
  if ('ratioAtMost' in target) return ratio <= target.ratioAtMost;
  if ('timesFaster' in target) return ratio <= 1 / target.timesFaster;
  if ('ratioAtLeast' in target) return ratio >= target.ratioAtLeast;
  if ('differenceAtMost' in target) return difference <= target.differenceAtMost;
  return ours <= target.atMost;
}

function targetText(target: Target | undefined, unit: string): string {
  if (!target) return '';
  if ('ratioAtMost' in target) return `≤ ${target.ratioAtMost}×`;
  if ('timesFaster' in target) return `${target.timesFaster}× faster`;
  if ('ratioAtLeast' in target) return `≥ ${target.ratioAtLeast}×`;
  if ('differenceAtMost' in target) return `≤ +${target.differenceAtMost} ${unit}`;
  return `≤ ${target.atMost} ${unit}`;
}
