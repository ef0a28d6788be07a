// What some tests need of a machine and a user's may lack. There such a test says so and is skipped; in CI nothing may
// be missing, so that no test is skipped for ever without anybody noticing.
import { spawnSync } from 'node:child_process';

/** For `skipIf`: whether a program isn't here. */
export function lacks(program: string, args: readonly string[] = ['--version']): boolean {
  return isMissing(spawnSync(program, args, { stdio: 'ignore' }).error === undefined, program);
}

/** For `skipIf`: true, and a word on stderr, when something isn't there. In CI never: the test fails for want of it. */
export function isMissing(isThere: boolean, what: string): boolean {
  if (isThere || process.env.CI === 'true') return false;
  console.warn(`skipped: ${what} is not to be had here`);
  return true;
}
