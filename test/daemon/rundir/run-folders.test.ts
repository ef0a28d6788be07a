import { mkdirSync } from 'node:fs';
import { appendFile, chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runJsonSchema } from '../../../daemon/rundir/run-json.ts';
import { SCRIPT } from '../store/rig.ts';
import { HomeRig } from './rig.ts';

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe('the folder of a run', () => {
  it('has the record, the history, the script and its sources, all private', async () => {
    await using rig = new HomeRig();
    const run = rig.in('running', { name: 'train' });
    await rig.written();
    const directory = rig.directory(run.id);
    expect((await readdir(directory)).sort()).toEqual([
      'run.json',
      'script.sh',
      'sources.json',
      'statuses.jsonl',
    ]);
    expect(await readFile(join(directory, 'script.sh'), 'utf8')).toBe(SCRIPT);
    expect([await modeOf(directory), await modeOf(join(directory, 'script.sh'))]).toEqual([0o700, 0o700]);
    for (const name of ['run.json', 'sources.json', 'statuses.jsonl'])
      expect(await modeOf(join(directory, name))).toBe(0o600);
    expect(await rig.json(run.id)).toEqual({ format: 1, machine: null, ...run, after: [] });
    expect(rig.faults).toEqual([]);
  });

  it('has a record that the rebuilding of the index takes, in every phase', async () => {
    await using rig = new HomeRig();
    const needed = rig.submit();
    const runs = [
      rig.submit({ held: true, after: [{ id: needed.id, policy: 'any' }] }),
      ...(['preparing', 'running', 'collecting', 'succeeded', 'failed', 'cancelled'] as const).map((phase) =>
        rig.in(phase),
      ),
    ];
    await rig.written();
    for (const { id } of runs) expect(runJsonSchema.parse(await rig.json(id)).id).toBe(id);
  });

  it('tells of each transition what it was, though several were written together', async () => {
    await using rig = new HomeRig();
    const needed = rig.in('failed');
    const run = rig.submit({ after: [{ id: needed.id, policy: 'success' }] });
    await rig.written();
    const lines = (await readFile(join(rig.directory(run.id), 'statuses.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { event: 'run.submitted', status: 'pending', phase: 'queued', reason: null },
      { event: 'run.failed', status: 'failed', phase: 'failed', reason: 'dependency' },
    ]);
  });

  it('is complete only with the very script that was submitted', async () => {
    await using rig = new HomeRig();
    const run = rig.submit();
    await rig.written();
    expect(await rig.folders.isComplete(run)).toBe(true);
    await appendFile(join(rig.directory(run.id), 'script.sh'), 'rm -rf /\n');
    expect(await rig.folders.isComplete(run)).toBe(false);
    await expect(rig.folders.prepareForStart(run)).rejects.toThrow(/not the script that was submitted/);
    await rig.folders.create(run, rig.store.mustGetScript(run.jobId));
    expect(await rig.folders.isComplete(run)).toBe(true);
    await rm(join(rig.directory(run.id), 'sources.json'));
    expect(await rig.folders.isComplete(run)).toBe(false);
  });

  it('gets what a supervisor needs before a start', async () => {
    await using rig = new HomeRig();
    const run = rig.submit();
    await rig.folders.prepareForStart(run);
    const meta = join(rig.directory(run.id), 'meta');
    expect(await readFile(join(meta, 'id'), 'utf8')).toBe(`${run.id}\n`);
    expect(await readFile(join(meta, 'command_line'), 'utf8')).toBe('python\0train.py\n');
    expect(await readFile(join(meta, 'created_at'), 'utf8')).toBe(
      `${new Date(run.createdAt).toISOString()}\n`,
    );
    expect(await modeOf(meta)).toBe(0o700);
  });

  it('that cannot be written is told to the log, and fails the preparation but not the writes after it', async () => {
    await using rig = new HomeRig();
    // A file where the folder of all runs would be: even root can't make one below it.
    await writeFile(join(rig.paths.home, 'project'), '');
    const run = rig.submit();
    await rig.written();
    expect(rig.faults.length).toBeGreaterThan(0);
    await expect(rig.folders.prepareForStart(run)).rejects.toThrow();
    await rm(join(rig.paths.home, 'project'));
    await rig.folders.create(run, rig.store.mustGetScript(run.jobId));
    await rig.folders.prepareForStart(run);
    expect(await rig.folders.isComplete({ ...run })).toBe(false);
    await rig.folders.writeRecord(run, []);
    expect(await rig.folders.isComplete(run)).toBe(true);
  });

  it('of each of many runs of one request is written', async () => {
    await using rig = new HomeRig();
    const runs = rig.store.submit(Array.from({ length: 300 }, () => rig.newRun()));
    await rig.written();
    expect(rig.faults).toEqual([]);
    const last = runs.at(-1);
    expect(await rig.json(last?.id ?? '')).toMatchObject({ id: last?.id, phase: 'queued' });
  });

  it('is removed with its mark in ended/', async () => {
    await using rig = new HomeRig();
    const run = rig.in('succeeded');
    await rig.written();
    mkdirSync(rig.paths.ended);
    await writeFile(join(rig.paths.ended, run.id), '');
    await rig.folders.clearEnded(run);
    await rig.folders.clearEnded(run);
    expect(await readdir(rig.paths.ended)).toEqual([]);
    await chmod(rig.directory(run.id), 0o700);
    await rig.folders.remove(run);
    expect(await readdir(join(rig.paths.home, 'project', 'runs'))).toEqual([]);
  });
});
