// The version of this build. package.json is its source; a test compares them.
export const VERSION = '0.1.0';

/** Same major and minor: the two understand each other. */
export function areCompatible(a: string, b: string): boolean {
  const series = (version: string) => version.split('.').slice(0, 2).join('.');
  return series(a) === series(b);
}

/** Of two versions `x.y.z`. */
export function isNewer(a: string, than: string): boolean {
  const [one, other] = [a, than].map((version) =>
    version.split('.').map((part) => Number.parseInt(part, 10)),
  );
  for (const at of [0, 1, 2]) {
    const difference = (one?.[at] ?? 0) - (other?.[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
