// How long a run of a big repository waits for its checkout, from its second run on; beside git worktree add.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Run } from '../../shared/schemas/run.ts';
import { alternate } from './alternate.ts';
import type { Bench } from './bench.ts';
import { compared } from './figure.ts';
import { Rig } from './rig.ts';

const FILES_PER_FOLDER = 250;

export const space: Bench = {
  name: 'space',
  about: 'the checkout of a 50,000-file repository, beside git worktree add',
  async *run({ quick }) {
    const [pairs, files] = quick ? [1, 2000] : [4, 50_000];
    using rig = await Rig.start();
    const cwd = bigRepository(rig, files);
    let count = 0;
    const bare = () => {
      const path = join(rig.folder, `bare-${count++}`);
      const addMs = rig.wallMs('git', ['worktree', 'add', '--quiet', '--detach', path, 'HEAD'], cwd);
      rig.git(cwd, 'worktree', 'remove', '--force', path);
      return addMs;
    };
    const ours = async () => {
      const runs = await rig.submit(cwd, [['true']]);
      await rig.succeeded(runs);
      return preparingMs(rig, runs[0]);
    };
    // The first pair doesn't count: what counts is the second run on.
    const measured = await alternate({ pairs }, ours, bare);
    yield compared({
      figure: `space of ${files} files, second run on`,
      unit: 'ms',
      otherName: 'git worktree add',
      ...measured,
      target: { timesFaster: 5 },
    });
  },
};

/** From the claim of a free slot to the start of the command. */
function preparingMs(rig: Rig, run: Run | undefined): number {
  const steps = run ? rig.steps(run) : [];
  const at = (event: string) => steps.find((step) => step.event === event)?.atMs ?? Number.NaN;
  return at('started') - at('claimed');
}

/** Committed without touching the disk for each file, then checked out. */
function bigRepository(rig: Rig, files: number): string {
  const cwd = rig.repository('big', { 'README.md': 'a big repository\n' });
  const parts = ['commit refs/heads/main\ncommitter bench <bench@localhost> 1700000000 +0000\ndata 3\nbig\n'];
  for (let at = 0; at < files; at += 1) {
    const text = `file ${at}\n${'some text\n'.repeat(at % 100)}`;
    const path = `part-${Math.floor(at / FILES_PER_FOLDER)}/file-${at}.txt`;
    parts.push(`M 100644 inline ${path}\ndata ${text.length}\n${text}\n`);
  }
  const options = { cwd, env: rig.env, input: parts.join(''), maxBuffer: 1e9 };
  const done = spawnSync('git', ['fast-import', '--quiet', '--force'], options);
  if (done.status !== 0) throw new Error(`git fast-import: ${done.stderr}`);
  rig.git(cwd, 'reset', '--quiet', '--hard');
  return cwd;
}
