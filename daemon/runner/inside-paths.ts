// Paths that a submitter names, as typed where they stand, and as the workspace knows them.
import { posix } from 'node:path';
import { QwexError } from '../../shared/errors.ts';
import { isPathTooLong, PATH_TOO_LONG } from '../../shared/schemas/run.ts';

/** From the workspace's root, tidy. Throws `usage` for a path that leaves the workspace, or that no file can have. */
export function fromRoot(path: string, subdir: string, option: string): string {
  const tidy = posix.normalize(posix.join(subdir, path)).replace(/\/+$/, '');
  const leaves = path.startsWith('/') || tidy === '..' || tidy.startsWith('../');
  if (isPathTooLong(tidy)) {
    const shown = `${path.slice(0, 40).toWellFormed()}…`;
    throw new QwexError({ code: 'usage', message: `${option} ${JSON.stringify(shown)} ${PATH_TOO_LONG}` });
  }
  if (!leaves && path !== '') return tidy;
  throw new QwexError({
    code: 'usage',
    message: `${option} ${JSON.stringify(path)} is not a path inside the workspace`,
    hint: 'give a path relative to where you are, below the root of the repository',
  });
}

/**
 * The directories whose files are kept: those given, or else the config's, at the root and where the command runs, as
 * a program writes its out/ where it was started.
 */
export function watchedDirectories(
  given: readonly string[] | undefined,
  configured: readonly string[],
  subdir: string,
): string[] {
  if (given) return [...new Set(given.map((path) => fromRoot(path, subdir, '--watch')))];
  const atCommand = configured.map((path) => posix.normalize(posix.join(subdir, path)));
  return [...new Set([...configured, ...atCommand])];
}

/** What is symlinked into the space: the config's links, and those given. */
export function linkedPaths(
  configured: readonly string[],
  given: readonly string[] | undefined,
  subdir: string,
): string[] {
  return [...new Set([...configured, ...(given ?? []).map((path) => fromRoot(path, subdir, '--link'))])];
}
