// Reads `git status --porcelain=v2 --branch -z`. Never runs git itself.

import { splitNul } from './git.ts';

export type ChangeKind =
  | 'modified'
  | 'added'
  | 'deleted'
  | 'renamed'
  | 'type changed'
  | 'unmerged'
  | 'submodule';

export interface DirtyFile {
  /** From the root of the repository, with slashes. */
  path: string;
  kind: ChangeKind;
}

export interface Status {
  /** null: the branch has no commit yet. */
  sha: string | null;
  /** null: HEAD is detached. */
  branch: string | null;
  dirty: DirtyFile[];
  /** Files, and whole folders (ending in a slash), that git neither tracks nor ignores. */
  untracked: string[];
}

/** Arguments of the call whose output parseStatus reads. */
export function statusArgs(untracked: 'normal' | 'all'): string[] {
  return [
    'status',
    '--porcelain=v2',
    '--branch',
    '-z',
    '--no-renames',
    '--no-ahead-behind',
    '--ignore-submodules=untracked',
    `--untracked-files=${untracked}`,
  ];
}

export function parseStatus(output: string): Status {
  const status: Status = { sha: null, branch: null, dirty: [], untracked: [] };
  const fields = splitNul(output);
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at] ?? '';
    if (field.startsWith('# ')) readHeader(status, field.slice(2));
    else if (field.startsWith('? ')) status.untracked.push(field.slice(2));
    else if (field.startsWith('u ')) status.dirty.push({ path: afterSpaces(field, 10), kind: 'unmerged' });
    else if (field.startsWith('1 ')) status.dirty.push({ path: afterSpaces(field, 8), kind: kindOf(field) });
    else if (field.startsWith('2 ')) {
      status.dirty.push({ path: afterSpaces(field, 9), kind: 'renamed' });
      at++; // the field after a rename is its old name
    }
  }
  return status;
}

function readHeader(status: Status, header: string): void {
  const space = header.indexOf(' ');
  const value = header.slice(space + 1);
  if (header.startsWith('branch.oid ')) status.sha = value === '(initial)' ? null : value;
  if (header.startsWith('branch.head ')) status.branch = value === '(detached)' ? null : value;
}

// "1 XY sub …": X is the index against HEAD, Y the file against the index, sub is "N..." for a plain file.
function kindOf(field: string): ChangeKind {
  const change = field.slice(2, 4);
  if (field[5] === 'S') return 'submodule';
  if (change.includes('D')) return 'deleted';
  if (change.includes('A')) return 'added';
  return change.includes('T') ? 'type changed' : 'modified';
}

function afterSpaces(text: string, count: number): string {
  let at = 0;
  for (let seen = 0; seen < count; seen++) at = text.indexOf(' ', at) + 1;
  return text.slice(at);
}
