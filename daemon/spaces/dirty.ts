// The refusal of a dirty tree: what is dirty, and both ways out. Pure.

import { QwexError } from '../../shared/errors.ts';
import type { Workspace } from './preflight.ts';
import { printable } from './wording.ts';

const LISTED = 10;

/** Throws `dirty_tree` when tracked files differ from HEAD. Untracked files don't count: see untrackedWarning. */
export function requireClean(workspace: Pick<Workspace, 'root' | 'dirty'>): void {
  if (workspace.dirty.length > 0) throw dirtyTreeError(workspace);
}

export function dirtyTreeError({ root, dirty }: Pick<Workspace, 'root' | 'dirty'>): QwexError {
  const lines = boundedList(dirty.map(({ path, kind }) => `${kind}: ${printable(path)}`));
  const count = dirty.length === 1 ? '1 change' : `${dirty.length} changes`;
  return new QwexError({
    code: 'dirty_tree',
    message: [`${root} has ${count} that no commit holds:`, ...lines].join('\n'),
    hint: 'Commit them (git commit -a), or run this very state with: qwex run --snapshot …',
    details: { dirty: dirty.slice(0, 100), count: dirty.length },
  });
}

/** Names the files that git doesn't know and the run won't see; null when there are none. */
export function untrackedWarning({ untracked }: Pick<Workspace, 'untracked'>): string | null {
  if (untracked.length === 0) return null;
  const lines = boundedList(untracked.map(printable));
  return ['Not in the run, as git does not track them:', ...lines].join('\n');
}

function boundedList(items: string[]): string[] {
  const shown = items.slice(0, LISTED).map((item) => `  ${item}`);
  return items.length > LISTED ? [...shown, `  and ${items.length - LISTED} more`] : shown;
}
