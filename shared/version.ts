// The version of this build. package.json is its source; a test compares them.
export const VERSION = '0.1.0';

/** Same major and minor: the two understand each other. */
export function areCompatible(a: string, b: string): boolean {
  const series = (version: string) => version.split('.').slice(0, 2).join('.');
  return series(a) === series(b);
}
