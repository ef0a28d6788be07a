import { appendFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rebuildIndex } from '../../../daemon/rundir/rebuild.ts';
import { exitFacts, recipeOf, SCRIPT, SOURCES } from '../store/rig.ts';
import { HomeRig } from './rig.ts';

const rebuild = (rig: HomeRig) => rebuildIndex(rig.store, { runs: rig.paths.runs, bootId: 'this-boot' });

describe('an index made anew from the run folders', () => {
  it('has every run as it was, in the order of submission', async () => {
    await using rig = new HomeRig();
    const needed = rig.in('running', {
      name: 'first',
      priority: 3,
      notes: ['given'],
      retries: 2,
      umask: 0o077,
    });
    const runs = [
      needed,
      rig.submit({ held: true, after: [{ id: needed.id, policy: 'any' }] }),
      rig.submit({ recipe: recipeOf({ command: ['other', 'ünïcode\n'] }) }),
      ...(['preparing', 'collecting', 'succeeded', 'failed', 'cancelled'] as const).map((phase) =>
        rig.in(phase),
      ),
    ];
    const before = runs.map(({ id }) => rig.store.mustGet(id));
    const dependencies = runs.map(({ id }) => rig.store.runs.dependencies(id));
    await using later = await rig.withoutDatabase();
    expect(later.store.isIndexed).toBe(false);
    expect(await rebuild(later)).toEqual({ restored: runs.length, refused: [] });
    expect(runs.map(({ id }) => later.store.mustGet(id))).toEqual(before);
    expect(runs.map(({ id }) => later.store.runs.dependencies(id))).toEqual(dependencies);
    expect(later.store.mustGetScript(needed.jobId)).toEqual({ script: SCRIPT, sources: SOURCES });
    expect(later.store.isIndexed).toBe(true);
    expect(later.submit({ id: '018f0000-0000-7000-8000-aaaaaaaaaaaa' }).seq).toBe(runs.length + 1);
  });

  it('goes on with the numbers of events that readers know', async () => {
    await using rig = new HomeRig();
    rig.in('succeeded');
    const run = rig.submit();
    const last = rig.heard.at(-1)?.seq ?? 0;
    await rig.written();
    // Torn in the middle of a line by a crash.
    await appendFile(join(rig.directory(run.id), 'statuses.jsonl'), '{"seq":9999999');
    await using later = await rig.withoutDatabase();
    await rebuild(later);
    expect(later.store.events.bounds()).toEqual({ first: last + 1, last });
    later.store.hold(run.id);
    expect(later.heard.at(-1)?.seq).toBe(last + 1);
  });

  it('is the same when it is made twice, or again after half of it', async () => {
    await using rig = new HomeRig();
    const needed = rig.in('running');
    const waiting = rig.submit({ after: [{ id: needed.id, policy: 'success' }] });
    await using later = await rig.withoutDatabase();
    const half = { restore: later.store.restore.bind(later.store), finishRestore: () => undefined };
    await rebuildIndex(half, { runs: later.paths.runs, bootId: 'this-boot' });
    expect(later.store.isIndexed).toBe(false);
    expect(await rebuild(later)).toEqual({ restored: 0, refused: [] });
    expect(await rebuild(later)).toEqual({ restored: 0, refused: [] });
    expect(later.store.mustGet(waiting.id).unmet).toBe(1);
    later.store.exit(needed.id, exitFacts(1, {}));
    later.store.succeed(needed.id, { reason: 'exit' });
    expect(later.store.mustGet(waiting.id).unmet).toBe(0);
  });

  it('ties retries to each other again, and does not make one that is there already', async () => {
    await using rig = new HomeRig();
    const first = rig.submit({ retries: 2 });
    const waiting = rig.submit({ after: [{ id: first.id, policy: 'success' }] });
    const second = rig.failByExit(first.id).retriedBy ?? '';
    await rig.written();
    // The first one's folder is from a moment before its end; the dependent's names the first try.
    await rig.rewrite(first.id, { phase: 'collecting', finishedAt: null, retriedBy: null });
    await using later = await rig.withoutDatabase();
    await rebuild(later);
    expect(later.store.mustGet(first.id)).toMatchObject({ phase: 'collecting', retriedBy: second });
    expect(later.store.runs.dependencies(waiting.id).map(({ id }) => id)).toEqual([second]);
    const ended = later.store.fail(first.id, { reason: 'exit' });
    expect(ended.retriedBy).toBe(second);
    expect(later.store.runs.list({ limit: 10 })).toHaveLength(3);
    later.succeed(second);
    expect(later.store.mustGet(waiting.id)).toMatchObject({ phase: 'queued', unmet: 0 });
  });

  it('forgets a retry whose folder is gone, and no circle of retries holds it up', async () => {
    await using rig = new HomeRig();
    const lone = rig.submit({ retries: 1 });
    const gone = rig.failByExit(lone.id).retriedBy ?? '';
    const [a, b] = [rig.in('failed'), rig.in('failed')];
    const waiting = rig.submit();
    await rig.written();
    await rm(rig.directory(gone), { recursive: true });
    await rig.rewrite(a.id, { retryOf: b.id, retriedBy: b.id });
    await rig.rewrite(b.id, { retryOf: a.id, retriedBy: a.id });
    await rig.rewrite(waiting.id, { after: [{ id: a.id, policy: 'any', met: false }] });
    await using later = await rig.withoutDatabase();
    await rebuild(later);
    expect(later.store.mustGet(lone.id).retriedBy).toBeNull();
    expect(later.store.mustGet(b.id).retriedBy).toBeNull();
    expect(later.store.mustGet(waiting.id).unmet).toBe(0);
  });

  it('settles what ended while nobody wrote it down, and what waits for a run of which nothing is left', async () => {
    await using rig = new HomeRig();
    const done = rig.in('succeeded');
    const gone = rig.submit();
    const [ready, doomed] = [rig.submit(), rig.submit()];
    const after = rig.submit({ after: [{ id: doomed.id, policy: 'success' }] });
    await rig.written();
    await rig.rewrite(ready.id, { unmet: 1, after: [{ id: done.id, policy: 'success', met: false }] });
    await rig.rewrite(doomed.id, { unmet: 1, after: [{ id: gone.id, policy: 'any', met: false }] });
    await rm(rig.directory(gone.id), { recursive: true });
    await using later = await rig.withoutDatabase();
    await rebuild(later);
    expect(later.store.mustGet(ready.id)).toMatchObject({ phase: 'queued', unmet: 0 });
    expect(later.store.mustGet(doomed.id)).toMatchObject({ phase: 'failed', reason: 'dependency' });
    expect(later.store.mustGet(doomed.id).message).toContain('no record any more');
    expect(later.store.mustGet(after.id).reason).toBe('dependency');
  });
});

describe('a run of which an attempt has begun', () => {
  it.each([
    ['claim.3', 'one 1 boot\n', 3],
    ['meta/pid', '1 1 boot\n', 1],
    ['meta/exit_code', '0\n', 1],
  ])('though its record says queued, comes back as being prepared: %s', async (name, text, attempt) => {
    await using rig = new HomeRig();
    const run = rig.submit({ held: true });
    await rig.written();
    await rig.put(run.id, name, text);
    await using later = await rig.withoutDatabase();
    await rebuild(later);
    expect(later.store.mustGet(run.id)).toMatchObject({
      phase: 'preparing',
      held: false,
      attempt,
      bootId: 'this-boot',
    });
    expect(later.store.runs.ready(10)).toEqual([]);
  });

  it('keeps its end when it has one', async () => {
    await using rig = new HomeRig();
    const run = rig.in('cancelled');
    await rig.written();
    await rig.put(run.id, 'meta/exit_code', '0\n');
    await using later = await rig.withoutDatabase();
    await rebuild(later);
    expect(later.store.mustGet(run.id).phase).toBe('cancelled');
  });
});

describe('a folder that is none of ours, or not whole', () => {
  it.each<[string, (rig: HomeRig, id: string) => Promise<unknown>, RegExp]>([
    ['no record', (rig, id) => rm(join(rig.directory(id), 'run.json')), /ENOENT.*run\.json/],
    ['half a record', (rig, id) => rig.put(id, 'run.json', '{"format": 1, "seq"'), /run\.json is not JSON/],
    [
      'a newer format',
      (rig, id) => rig.rewrite(id, { format: 2 }),
      /written by a newer qwex \(format 2, this/,
    ],
    ['no format', (rig, id) => rig.rewrite(id, { format: 0 }), /not valid: format/],
    [
      'an unknown field',
      (rig, id) => rig.rewrite(id, Object.fromEntries([['surprise', 1]])),
      /not valid: .*surprise/,
    ],
    [
      'a phase without its time',
      (rig, id) => rig.rewrite(id, { phase: 'running' }),
      /has run without a start/,
    ],
    [
      'the record of another run',
      (rig, id) => rig.rewrite(id, { id: '018f0000-0000-7000-8000-ffffffffffff' }),
      /of another run/,
    ],
    [
      'another recipe',
      (rig, id) => rig.rewrite(id, { recipe: recipeOf({ command: ['rm'] }) }),
      /recipe is not the one/,
    ],
    [
      'another workspace',
      (rig, id) => rig.rewrite(id, { recipe: recipeOf({ workspace: 'other' }) }),
      /another workspace, other/,
    ],
    ['another script', (rig, id) => rig.put(id, 'script.sh', 'echo\n'), /script\.sh is not the one/],
    ['torn sources', (rig, id) => rig.put(id, 'sources.json', '[{'), /sources\.json is not JSON/],
  ])('is named and left as it is: %s', async (_, damage, why) => {
    await using rig = new HomeRig();
    const good = rig.submit();
    const run = rig.submit();
    await rig.written();
    await damage(rig, run.id);
    const before = await contents(rig.directory(run.id));
    await using later = await rig.withoutDatabase();
    const { restored, refused } = await rebuild(later);
    expect(restored).toBe(1);
    expect(refused).toEqual([{ path: rig.directory(run.id), why: expect.stringMatching(why) }]);
    expect(later.store.runs.get(good.id)?.phase).toBe('queued');
    expect(later.store.runs.get(run.id)).toBeUndefined();
    expect(await contents(rig.directory(run.id))).toEqual(before);
  });

  it('does not keep the others out, whatever it is', async () => {
    await using rig = new HomeRig();
    const run = rig.submit();
    await rig.written();
    const runs = join(rig.directory(run.id), '..');
    await cp(rig.directory(run.id), join(runs, 'copy of it'), { recursive: true });
    await writeFile(join(runs, 'a file'), '');
    await mkdir(join(runs, 'empty'));
    await mkdir(join(rig.paths.home, 'not-a-workspace'));
    await writeFile(join(rig.paths.home, 'notes.txt'), '');
    await using later = await rig.withoutDatabase();
    const { restored, refused } = await rebuild(later);
    expect(restored).toBe(1);
    expect(refused.map(({ path }) => path.slice(runs.length - 4)).sort()).toHaveLength(3);
  });

  it('is left out alone when the store itself refuses it', async () => {
    await using rig = new HomeRig();
    const [good, bad] = [rig.submit(), rig.submit()];
    await rig.written();
    await using later = await rig.withoutDatabase();
    const picky = {
      finishRestore: () => later.store.finishRestore(),
      restore: (found: Parameters<typeof later.store.restore>[0]) => {
        if (found.some(({ run }) => run.id === bad.id)) throw new Error('CHECK constraint failed');
        return later.store.restore(found);
      },
    };
    const { restored, refused } = await rebuildIndex(picky, { runs: later.paths.runs, bootId: 'boot' });
    expect(restored).toBe(1);
    expect(refused).toEqual([{ path: rig.directory(bad.id), why: 'CHECK constraint failed' }]);
    expect(later.store.runs.get(good.id)).toBeDefined();
  });
});

it('a home that several machines have gives each daemon the runs of its own machine', async () => {
  await using rig = new HomeRig();
  const [own, others, older] = [rig.in('running'), rig.in('running'), rig.in('succeeded')];
  await rig.written();
  await rig.rewrite(own.id, { machine: 'this' });
  for (const { id } of [others, older]) await rig.rewrite(id, { machine: 'that' });
  await using later = await rig.withoutDatabase();
  const places = { runs: later.paths.runs, bootId: 'this-boot', machine: 'this' };
  // Taken on here, they would run twice, or be called lost while they go on over there.
  expect(await rebuildIndex(later.store, places)).toEqual({ restored: 1, refused: [] });
  expect(later.store.runs.ids()).toEqual([own.id]);
});

it('an empty home is indexed at once', async () => {
  await using rig = new HomeRig();
  expect(await rebuild(rig)).toEqual({ restored: 0, refused: [] });
  expect(rig.store.isIndexed).toBe(true);
});

async function contents(directory: string): Promise<[string, string][]> {
  const names = (await readdir(directory)).sort();
  return Promise.all(names.map(async (name) => [name, await readFile(join(directory, name), 'utf8')]));
}
