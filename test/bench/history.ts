// Submitting and listing with a long history and a long queue, beside an empty daemon.
import { homePaths } from '../../shared/paths.ts';
import { alternate, timed } from './alternate.ts';
import type { Bench } from './bench.ts';
import { compared } from './figure.ts';
import { copyRun } from './fill.ts';
import { KeptConnection } from './kept-connection.ts';
import { Rig } from './rig.ts';

export const history: Bench = {
  name: 'history',
  about: 'submit and list with 100,000 runs behind and 10,000 waiting, beside an empty daemon',
  async *run({ quick, note }) {
    const [ended, queued] = quick ? [1000, 100] : [100_000, 10_000];
    const [submits, lists] = quick ? [5, 5] : [100, 25];
    using empty = await Rig.start();
    using full = await Rig.start();
    const sites = [await site(empty), await site(full)] as const;
    const startMs = await timed(() => fill(full, sites[1].cwd, { ended, queued }));
    note(
      `start with ${ended} ended and ${queued} queued runs whose folders are missing: ${startMs.toFixed(0)} ms with the filling`,
    );
    const counts = (await full.status()).counts;
    if (counts.succeeded < ended || counts.pending < queued) throw new Error('the history was not filled');

    using fullConnection = new KeptConnection(full.home);
    using emptyConnection = new KeptConnection(empty.home);
    const measured = await alternate(
      { pairs: submits, warmUps: 5 },
      () => timed(() => fullConnection.submit(sites[1])),
      () => timed(() => emptyConnection.submit(sites[0])),
    );
    const otherName = 'the same, empty';
    yield compared({
      figure: `POST /runs, ${ended} + ${queued} runs`,
      unit: 'ms',
      otherName,
      ...measured,
      target: { ratioAtMost: 1.2 },
    });
    const listed = await alternate(
      { pairs: lists, warmUps: 2 },
      () => full.qwexMs(['list']),
      () => empty.qwexMs(['list']),
    );
    yield compared({
      figure: `qwex list, ${ended} + ${queued} runs`,
      unit: 'ms',
      otherName,
      ...listed,
      target: { ratioAtMost: 1.5 },
    });
  },
};

interface Site {
  cwd: string;
  sha: string;
}

/** A repository, a queue that stands still, one run that has ended and as many that wait as `list` shows. */
async function site(rig: Rig): Promise<Site> {
  const cwd = rig.repository('project', { 'main.py': 'print(1)\n' });
  await rig.succeeded(await rig.submit(cwd, [['true']]));
  await rig.pause();
  await rig.submit(
    cwd,
    Array.from({ length: 20 }, () => ['true']),
  );
  return { cwd, sha: rig.git(cwd, 'rev-parse', 'HEAD').trim() };
}

async function fill(rig: Rig, cwd: string, sizes: { ended: number; queued: number }): Promise<void> {
  const [succeeded] = (await rig.runner.list({ status: 'succeeded', limit: 1 })).runs;
  const [waiting] = await rig.submit(cwd, [['true']]);
  if (!succeeded || !waiting) throw new Error('nothing to copy');
  rig.stopDaemon();
  const file = homePaths(rig.home).database;
  copyRun({ file, runId: succeeded.id, count: sizes.ended });
  copyRun({ file, runId: waiting.id, count: sizes.queued });
  rig.startDaemon();
}
