// Relative paths that come from a config, a program or a client. Must never let one leave its folder.

import { type ErrorCode, QwexError } from '../../shared/errors.ts';

/**
 * A watched path → posix, relative, without `.` parts; '.' for the whole space.
 * Throws invalid_config for an absolute path, a `..`, or a NUL.
 */
export function watchedPath(path: string): string {
  return relativePath(path, {
    code: 'invalid_config',
    what: 'watched path',
    hint: 'Watched paths are below the workspace, as in `out` or `results/models`.',
  });
}

/** The path of a file in a run's folder, as a client or a list names it. Throws invalid_request. */
export function filePath(path: string): string {
  return relativePath(path, {
    code: 'invalid_request',
    what: 'path',
    hint: 'Use a path as `qwex artifacts` shows it.',
  });
}

/** Drops repeated paths and those below another one. */
export function topMost(paths: readonly string[]): string[] {
  const unique = [...new Set(paths)];
  return unique.filter((path) => !unique.some((other) => other !== path && isBelow(path, other)));
}

/** True if `path` is `folder` or something in it; '.' holds everything. */
export function isBelow(path: string, folder: string): boolean {
  return folder === '.' || path === folder || path.startsWith(`${folder}/`);
}

function relativePath(path: string, about: { code: ErrorCode; what: string; hint: string }): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || path.includes('\0') || parts.includes('..')) {
    const { code, what, hint } = about;
    throw new QwexError({ code, message: `The ${what} ${JSON.stringify(path)} leaves its folder.`, hint });
  }
  return parts.join('/') || '.';
}
