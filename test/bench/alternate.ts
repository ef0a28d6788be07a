// Measures two things in turn, so that what else goes on on the machine meets both alike.

export interface Pairs {
  ours: number[];
  others: number[];
}

/** Resolves to a measured value, usually milliseconds. */
export type Measure = () => number | Promise<number>;

/** `pairs` times ours then the other, after `warmUps` pairs that don't count. */
export async function alternate(
  { pairs, warmUps = 1 }: { pairs: number; warmUps?: number },
  ours: Measure,
  other: Measure,
): Promise<Pairs> {
  const kept: Pairs = { ours: [], others: [] };
  for (let at = -warmUps; at < pairs; at += 1) {
    const values = [await ours(), await other()] as const;
    if (at < 0) continue;
    kept.ours.push(values[0]);
    kept.others.push(values[1]);
  }
  return kept;
}

/** How long it takes, in milliseconds. */
export async function timed(work: () => unknown): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}
