// What an earlier version left is taken on by this one: its database, its run folders, and runs that go on under its
// supervisor.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import type { Rebuilt } from '../../shared/schemas/local.ts';
import type { Run } from '../../shared/schemas/run.ts';
import { lives, processesWith, untilGone } from '../rig/processes.ts';
import { Rig } from '../rig/rig.ts';
import {
  type Fixture,
  fixtures,
  putUp,
  REPOSITORY,
  readFixture,
  repositoryEnvironment,
  supervise,
} from './fixtures/fixture.ts';

class FormerHome implements AsyncDisposable {
  readonly rig: Rig;
  readonly fixture: Fixture;
  /** Of the run that runs. */
  readonly runDir: string;

  private constructor(rig: Rig, fixture: Fixture) {
    this.rig = rig;
    this.fixture = fixture;
    this.runDir = join(rig.home, 'project', 'runs', this.id('running'));
  }

  /** The home of that version with a run going on, and no daemon. */
  static async open(version: string, settings: Record<string, string> = {}): Promise<FormerHome> {
    const rig = await Rig.start({ daemon: false });
    const home = new FormerHome(rig, await readFixture(version, rig.folder));
    const repo = await rig.repo(null);
    await repo.write(REPOSITORY);
    // As 0.1.0 made a space: aside, under a name that git takes for its entry, and then moved.
    const [space, aside] = [
      `${rig.paths.spaces}/${home.id('running')}`,
      `${home.id('running')}.0123456789ab`,
    ];
    const commit = `git add -A && git commit -q -m all && git worktree add -q --detach ${rig.folder}/${aside} &&
      mkdir -p ${rig.paths.spaces} && git worktree move ${rig.folder}/${aside} ${space}`;
    const { code, stderr } = await rig.shell(commit, { cwd: repo.root, env: repositoryEnvironment });
    if (code !== 0) throw new Error(stderr);
    await putUp(home.fixture, rig.home);
    await mkdir(rig.paths.ended, { recursive: true, mode: 0o700 });
    await rig.shell(`mkfifo ${home.runDir}/orders`);
    await supervise(home.fixture, home.runDir, settings);
    return home;
  }

  id(name: string): string {
    return this.fixture.runs[name] ?? '';
  }

  run(name: string): Promise<Run> {
    return this.rig.client.get(this.id(name));
  }

  ended(name: string): Promise<Run> {
    return this.rig.client.wait(this.id(name));
  }

  /** Has the run that runs end with this code. */
  async end(code: number): Promise<void> {
    await writeFile(join(this.runDir, 'orders'), `${code}\n`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.rig[Symbol.asyncDispose]();
  }
}

describe.each(await fixtures())('the home of qwex %s', (version) => {
  test('is taken on: history, what runs, what waits', async () => {
    await using home = await FormerHome.open(version);
    const { rig } = home;
    await rig.startDaemon();
    expect(await home.run('kept')).toMatchObject({ status: 'succeeded', name: 'kept', artifactCount: 1 });
    expect(await home.run('failed')).toMatchObject({ status: 'failed', exitCode: 3 });
    expect(await home.run('cancelled')).toMatchObject({ status: 'cancelled' });
    expect(await home.run('running')).toMatchObject({ status: 'running', phase: 'running' });
    expect((await rig.client.list()).runs).toHaveLength(Object.keys(home.fixture.runs).length);
    expect(await rig.client.logs(home.id('kept'))).toMatchObject({
      stdout: 'said\n',
      stderr: 'complained\n',
    });
    await rig.ok(['artifacts', 'kept', '--download', rig.path('got')]);
    expect(await readFile(rig.path('got', 'out', 'result'), 'utf8')).toBe('kept\n');
    const again = await rig.client.rerun(home.id('kept'), rig.env);

    await home.end(0);
    expect(await home.ended('running')).toMatchObject({ exitCode: 0, attempt: 1, artifactCount: 1 });
    for (const name of ['waiting', 'dependent'])
      expect(await home.ended(name)).toMatchObject({ status: 'succeeded' });
    await rig.ok(['release', home.id('held')]);
    expect(await home.ended('held')).toMatchObject({ status: 'succeeded' });
    expect(await rig.client.wait(again.id)).toMatchObject({ status: 'succeeded', artifactCount: 1 });
    expect(await rig.client.logs(home.id('waiting'))).toMatchObject({ stdout: 'waited\n' });
  });

  test('can be read back from its run folders alone', async () => {
    await using home = await FormerHome.open(version);
    const { rig, fixture } = home;
    await rm(rig.paths.database);
    const count = Object.keys(fixture.runs).length;
    expect(await rig.json<Rebuilt>(['doctor', '--rebuild'])).toMatchObject({ restored: count, refused: [] });
    await home.end(4);
    expect(await home.ended('running')).toMatchObject({ status: 'failed', reason: 'exit', exitCode: 4 });
    expect(await home.ended('dependent')).toMatchObject({ status: 'failed', reason: 'dependency' });
    expect(await home.ended('waiting')).toMatchObject({ status: 'succeeded' });
  });

  test('has a run that can be cancelled under its supervisor', async () => {
    await using home = await FormerHome.open(version);
    await home.rig.ok(['cancel', home.id('running')]);
    expect(await home.ended('running')).toMatchObject({ status: 'cancelled', reason: 'cancelled' });
  });

  test('has a run whose time limit its supervisor keeps', async () => {
    await using home = await FormerHome.open(version, { SUP_TIME_LIMIT_MS: '1500', SUP_GRACE_MS: '200' });
    await home.rig.startDaemon();
    expect(await home.ended('running')).toMatchObject({ status: 'failed', reason: 'timeout' });
  });

  test('has a run that is taken over when its supervisor is killed', async () => {
    await using home = await FormerHome.open(version);
    home.rig.expectLogged(/the supervisor is gone/);
    await home.rig.startDaemon();
    const [supervisor] = processesWith(`SUP_RUN_ID=${home.id('running')}`);
    process.kill(supervisor?.pid ?? 0, 'SIGKILL');
    await untilGone(supervisor?.pid ?? 0);
    await home.end(0);
    expect(await home.ended('running')).toMatchObject({ status: 'failed', reason: 'lost', exitCode: null });
    expect(await home.ended('waiting')).toMatchObject({ status: 'succeeded' });
  });
});

test('what a newer qwex has begun is left alone, with a sentence', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const running = await rig.submit(repo, ...program.command);
  const { pid } = await program.started();
  const waiting = await rig.submit(repo, '--priority', '5', 'true');
  await rig.ok(['daemon', 'stop']);
  const [supervisor] = processesWith(`SUP_RUN_ID=${running}`);
  const folders = [running, waiting].map((id) => join(rig.home, 'project', 'runs', id));
  const setFormat = async (from: number, to: number) => {
    for (const folder of folders) {
      const text = await readFile(join(folder, 'run.json'), 'utf8');
      await writeFile(join(folder, 'run.json'), text.replace(`"format": ${from},`, `"format": ${to},`));
    }
  };
  await setFormat(1, 99);

  await rig.startDaemon();
  const sentence = /qwex .* leaves it alone: its folder is of a newer qwex; use that one/;
  expect(await rig.ok(['status', running])).toMatch(sentence);
  expect(await rig.client.get(waiting)).toMatchObject({
    held: true,
    notes: [expect.stringMatching(sentence)],
  });
  const refused = await rig.qwex(['cancel', running]);
  expect(refused.code).toBe(5);
  expect(refused.stderr).toMatch(
    /left alone: it was written by a newer qwex \(format 99, this one knows 1\)/,
  );
  expect([lives(pid), lives(supervisor?.pid ?? 0)]).toEqual([true, true]);
  expect(await rig.ok(['doctor', '--json'])).toContain('it was written by a newer qwex');

  // As the newer one would find it.
  await rig.ok(['daemon', 'stop']);
  await setFormat(99, 1);
  await rig.startDaemon();
  await program.exit(3);
  expect(await rig.client.wait(running)).toMatchObject({ status: 'failed', exitCode: 3, attempt: 1 });
  await rig.ok(['release', waiting]);
  expect(await rig.client.wait(waiting)).toMatchObject({ status: 'succeeded' });
});

test('the database of a newer qwex is refused with a sentence and the way out', async () => {
  await using rig = await Rig.start();
  await rig.ok(['daemon', 'stop']);
  const db = new Database(rig.paths.database);
  const schema = Number(db.pragma('user_version', { simple: true }));
  db.pragma(`user_version = ${schema + 1}`);
  db.close();
  const before = await readFile(rig.paths.database);
  const { code, stderr } = await rig.qwex(['list']);
  expect(code).toBe(69);
  expect(stderr).toMatch(
    /did not start: the database .* was written by a newer qwex \(schema \d+, this one knows \d+\)/,
  );
  expect(stderr).toMatch(/hint: use the newer qwex/);
  expect(await readFile(rig.paths.database)).toEqual(before);
});
