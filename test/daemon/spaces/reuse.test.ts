// A space that was used before must be what a fresh worktree of the commit is, whatever its last program did to it.

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { committed, expectFresh, giveBack } from './fresh.ts';
import { NASTY } from './nasty.ts';

/** Inode numbers are used again, births are not. */
function identityOf(path: string): string {
  const { ino, birthtimeMs } = lstatSync(path);
  return `${ino} ${birthtimeMs}`;
}

for (const { what, program, isGivenUp } of NASTY) {
  it(`is as fresh after a program that ${what}`, async () => {
    await using rig = committed();
    const sha = rig.head();
    const first = await rig.spaces.create(rig.request({ folders: ['out', 'results'], links: ['linked'] }));
    const before = identityOf(join(first.path, 'main.py'));
    program(first.path, rig);
    await giveBack(rig, first.path);
    expect(rig.reports).toEqual([]);
    expect(rig.spaces.waiting).toHaveLength(isGivenUp === 'at once' ? 0 : 1);
    const kept = rig.spaces.waiting.map(({ path }) => identityOf(path));
    const { path } = await rig.spaces.create(rig.request({ path: join(rig.folder, 'spaces', 'run-2'), sha }));
    expectFresh(rig, path, sha);
    if (isGivenUp) expect(kept).not.toContain(identityOf(path));
    else expect(kept).toEqual([identityOf(path)]);
    if (what === 'does nothing') expect(identityOf(join(path, 'main.py'))).toBe(before);
    await rig.spaces.remove({ ...rig, path });
  });
}
