// A used space beside a worktree that plain git has just made.

import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { COMMITTED } from './nasty.ts';
import { Rig } from './rig.ts';
import { gitStateOf, treeOf } from './tree.ts';

/** A repository with all that the nasty programs need. */
export function committed(): Rig {
  const rig = new Rig();
  rig.init();
  rig.write({ ...COMMITTED, 'linked/x': '' });
  symlinkSync('pkg/deep', join(rig.root, 'link'));
  rig.git(['add', '-A', '-f', ':!linked']);
  rig.git(['update-index', '--chmod=+x', 'run.sh']);
  rig.git(['commit', '-q', '-m', 'first']);
  rig.git(['checkout', '-q', '--', '.']);
  return rig;
}

export async function giveBack(rig: Rig, path: string): Promise<void> {
  const located = { path, commonDir: rig.commonDir };
  await rig.spaces.inspect(located, []);
  await rig.spaces.giveBack(located);
  await rig.spaces.idle();
}

export function expectFresh(rig: Rig, space: string, sha: string): void {
  expect(stateOf(rig, space)).toEqual(freshState(rig, sha));
}

/** Of a worktree of the commit that git has just made. */
export function freshState(rig: Rig, sha: string): Record<string, string> {
  const fresh = join(rig.folder, 'fresh');
  rig.git(['worktree', 'add', '-q', '--detach', '--lock', fresh, sha]);
  const state = stateOf(rig, fresh);
  rig.git(['worktree', 'remove', '--force', '--force', fresh]);
  return state;
}

export function stateOf(rig: Rig, space: string): Record<string, string> {
  return { ...treeOf(space), ...gitStateOf(rig, space) };
}
