import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import {
  hasCommit,
  listPinned,
  pinCommit,
  resolveCommit,
  unpinCommits,
} from '../../../daemon/spaces/index.ts';
import { Rig } from './rig.ts';

it('a pinned commit survives reset, branch deletion, reflog expiry and gc', async () => {
  await using rig = Rig.withCommit();
  const lost = rig.commit({ 'a.txt': 'two' });
  await pinCommit({ ...rig, sha: lost });
  rig.git(['reset', '-q', '--hard', 'HEAD~1']);
  rig.git(['reflog', 'expire', '--expire=now', '--all']);
  rig.git(['gc', '-q', '--prune=now']);
  expect(await hasCommit(rig.root, lost)).toBe(true);
  expect(await unpinCommits(rig.root, new Set())).toEqual([lost]);
  rig.git(['gc', '-q', '--prune=now']);
  expect(await hasCommit(rig.root, lost)).toBe(false);
  await expect(pinCommit({ ...rig, sha: lost })).rejects.toMatchObject({ code: 'not_found' });
});

it('starts no git for what is pinned already, loose or packed', async () => {
  await using rig = Rig.withCommit();
  const sha = rig.head();
  await pinCommit({ ...rig, sha });
  vi.stubEnv('PATH', '/nonexistent');
  await pinCommit({ ...rig, sha });
  vi.unstubAllEnvs();
  rig.git(['pack-refs', '--all']);
  vi.stubEnv('PATH', '/nonexistent');
  await pinCommit({ ...rig, sha });
  vi.unstubAllEnvs();
});

it('pins again when the ref file is damaged or gone', async () => {
  await using rig = Rig.withCommit();
  const sha = rig.head();
  await pinCommit({ ...rig, sha });
  const file = join(rig.commonDir, 'refs/qwex/commits', sha);
  rmSync(file);
  await pinCommit({ ...rig, sha });
  expect(await listPinned(rig.root)).toEqual([sha]);
  writeFileSync(file, '');
  await pinCommit({ ...rig, sha });
  expect(await listPinned(rig.root)).toEqual([sha]);
});

it('pins the same and different commits at once, and lets go of all but those to keep', async () => {
  await using rig = Rig.withCommit();
  const shas = [1, 2, 3].map((n) => rig.commit({ n: String(n) }));
  await Promise.all([...shas, ...shas, ...shas].map((sha) => pinCommit({ ...rig, sha })));
  expect((await listPinned(rig.root)).sort()).toEqual([...shas].sort());
  const [first = ''] = shas;
  expect((await unpinCommits(rig.root, new Set([first]))).sort()).toEqual(shas.slice(1).sort());
  expect(await listPinned(rig.root)).toEqual([first]);
  expect(await unpinCommits(rig.root, new Set([first]))).toEqual([]);
});

it('resolves names and abbreviations, and says when there is nothing', async () => {
  await using rig = Rig.withCommit();
  const sha = rig.head();
  rig.git(['tag', '-a', 'v1', '-m', 'one']);
  for (const name of ['HEAD', 'main', 'v1', sha.slice(0, 8)])
    expect(await resolveCommit(rig.root, name)).toBe(sha);
  for (const name of ['nope', '--all', '', 'HEAD^{tree}', 'a\nb']) {
    await expect(resolveCommit(rig.root, name)).rejects.toMatchObject({ code: 'not_found' });
  }
  expect(await hasCommit(rig.root, 'HEAD')).toBe(false);
  expect(await hasCommit(rig.root, rig.git(['rev-parse', 'HEAD^{tree}']).trim())).toBe(false);
});
