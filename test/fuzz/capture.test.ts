// Runs whose program goes on after its end, out of the supervisor's sight, and swaps files, folders and symlinks under
// the daemon's hands while it collects them. Nothing outside is taken, read or changed; the manifest is what is stored.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Manifest } from '../../daemon/artifacts/manifest.ts';
import { packageFolder } from '../rig/command.ts';
import { untilGone } from '../rig/processes.ts';
import type { Repository } from '../rig/repository.ts';
import { Rig } from '../rig/rig.ts';
import { cases, timeLimit } from './settings.ts';
import { storedIn } from './stored.ts';
import { treeOf } from './tree.ts';

const SECRET = 'what-nobody-may-keep-a91c';
const RACE = join(packageFolder, 'test', 'fuzz', 'race.py');

test(
  'a program that swaps symlinks into what is being collected leads nobody outside',
  async () => {
    await using rig = await Rig.start({ slots: 2 });
    const repo = await rig.repo();
    await writeOutside(rig);
    const before = outsideOf(rig);
    const seeds = fc.array(fc.nat(), { minLength: 2, maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(seeds, async (all) => {
        await Promise.all(all.map((seed, index) => race(rig, repo, { seed, index })));
        expect(outsideOf(rig)).toEqual(before);
      }),
      cases(2),
    );
  },
  timeLimit(90),
);

async function race(
  rig: Rig,
  repo: Repository,
  { seed, index }: { seed: number; index: number },
): Promise<void> {
  const place = rig.path('races', `${seed}-${index}`);
  await mkdir(join(place, 'stage'), { recursive: true });
  const [stage, stop, pidFile] = ['stage', 'stop', 'pid'].map((name) => join(place, name));
  // In a session of its own and without the run's variables: the supervisor can't know that it belongs to the run.
  const words = `mkfifo "$4.ready" "$4.readyturns"; mkdir -p out deep/er turns
    for turned in "" turns; do
      setsid env -i PATH="$PATH" RACE="$1/" "$2" "$3" "$PWD" "$4" "$5" "$6" "$7" $turned </dev/null >>"$4.log" 2>&1 &
      echo $! >>"$8"
    done
    read -r _ <"$4.ready"; read -r _ <"$4.readyturns"; true`;
  const args = [rig.folder, rig.python, RACE, stage, rig.path('outside'), stop, String(seed), pidFile];
  const id = await rig.submit(
    repo,
    '--watch',
    'out,deep/er,turns',
    '--',
    'sh',
    '-c',
    words,
    'sh',
    ...args.map(String),
  );
  const run = await rig.ended(id);
  await writeFile(String(stop), '');
  const pids = (await readFile(String(pidFile), 'utf8')).trim().split('\n');
  await Promise.all(pids.map((pid) => untilGone(Number(pid))));
  expect(await readFile(`${stage}.log`, 'utf8')).toBe('');
  expect(run, JSON.stringify(run.notes)).toMatchObject({ status: 'succeeded', exitCode: 0 });
  const manifest = JSON.parse(await readFile(join(run.directory, 'artifacts.json'), 'utf8')) as Manifest;
  const stored = storedIn(join(run.directory, 'files'));
  expect(stored.others).toEqual([]);
  expect(manifest.artifacts).toEqual(stored.artifacts);
  expect(run.artifactCount).toBe(stored.artifacts.length);
  for (const content of [...stored.contents, ...storedIn(join(run.directory, 'left')).contents])
    expect(content.includes(SECRET)).toBe(false);
}

async function writeOutside(rig: Rig): Promise<void> {
  await mkdir(rig.path('outside', 'dir', 'dir'), { recursive: true });
  // With an empty folder in it, it is not moved as a whole, but piece by piece.
  await mkdir(rig.path('outside', 'dir', 'empty'));
  for (const path of ['secret', 'a', 'dir/a', 'dir/secret', 'dir/dir/a'])
    await writeFile(rig.path('outside', path), `${SECRET}\n`, { mode: 0o600 });
  await writeFile(rig.path('outside', 'linked'), 'a file with two names\n', { mode: 0o2711 });
}

/** The sentinels, the user's home and the repository's files: whatever a link may have led to. */
function outsideOf(rig: Rig): Record<string, string> {
  return treeOf(rig.folder, ['home', 'races', 'project/.git']);
}
