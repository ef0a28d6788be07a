// The kernel grants a user only so many inotify instances, and editors take them all. In a user namespace of its own a
// daemon can have none without anybody else losing any.
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { launcher, shellLine } from '../rig/command.ts';
import { makeFakeBox } from '../rig/fake-box.ts';
import { isMissing } from '../rig/needs.ts';
import type { Program } from '../rig/program.ts';
import type { Repository } from '../rig/repository.ts';
import { Rig } from '../rig/rig.ts';

const FORBID = 'echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"';
const WITHOUT = ['unshare', '--user', '--map-current-user', '--keep-caps', 'sh', '-c', FORBID, 'sh'];
const [unshare = '', ...words] = WITHOUT;
const cannot = isMissing(spawnSync(unshare, [...words, 'true']).status === 0, 'a user namespace');

/** A daemon of a box with one fake device, and not one watch. */
class Unwatched implements AsyncDisposable {
  readonly rig: Rig;
  readonly repo: Repository;
  readonly program: Program;

  private constructor(rig: Rig, repo: Repository, program: Program) {
    this.rig = rig;
    this.repo = repo;
    this.program = program;
  }

  static async open(): Promise<Unwatched> {
    const rig = await Rig.start({ daemon: false });
    await makeFakeBox({ path: rig.path('box') });
    const unwatched = new Unwatched(rig, await rig.repo(), await rig.program());
    await unwatched.configure(1);
    await unwatched.startDaemon();
    return unwatched;
  }

  configure(slots: number): Promise<void> {
    const text = `slots: ${slots}\ngrace: 500ms\nbox: ${this.rig.path('box')}\n`;
    return writeFile(this.rig.paths.config, text, { mode: 0o600 });
  }

  async startDaemon(): Promise<void> {
    const { code, stderr } = await this.rig.shell(`${shellLine(WITHOUT)} qwex daemon start`);
    expect(code, stderr).toBe(0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.rig[Symbol.asyncDispose]();
  }
}

test.skipIf(cannot)(
  'without an inotify instance output is followed, ends are noticed, settings count',
  async () => {
    await using unwatched = await Unwatched.open();
    const { rig, repo, program } = unwatched;
    const id = await rig.submit(repo, ...program.command);
    await program.started();
    // No child of the next one.
    await rig.ok(['daemon', 'stop']);
    await unwatched.startDaemon();
    const watching = rig.begin(['watch', id]);
    await program.tell('echo seen');
    await watching.stdout.until('seen');
    const waiting = await rig.submit(repo, 'true');
    await unwatched.configure(2);
    expect(await rig.client.wait(waiting)).toMatchObject({ status: 'succeeded' });
    await program.exit(3);
    expect((await watching.ended).code).toBe(3);
    const withDevice = await rig.submit(repo, '--gpus', '1', 'true');
    expect(await rig.client.wait(withDevice)).toMatchObject({ status: 'succeeded', devices: ['gpu0'] });
  },
);

test.skipIf(cannot)('without an inotify instance the log, doctor and box doctor say so', async () => {
  await using unwatched = await Unwatched.open();
  const { rig, repo } = unwatched;
  expect(await rig.ok(['doctor'], { cwd: repo.root })).toMatch(
    /warning +inotify: the kernel grants no more watches \(EMFILE\)/,
  );
  expect(await rig.ok(['box', 'doctor'])).toMatch(/warning +this daemon can't be called, and looks .*EMFILE/);
  const log = await readFile(rig.paths.log, 'utf8');
  expect(log.match(/(ended\/|config\.yaml) can not be watched: it is looked at now and then/g)).toHaveLength(
    2,
  );
  expect(log).not.toContain('is not valid');
});

test.skipIf(cannot)('without an inotify instance the command line follows the log all the same', async () => {
  await using rig = await Rig.start();
  const [file = '', ...args] = WITHOUT;
  const follow = rig.beginProgram(file, [...args, launcher, 'daemon', 'logs', '-f']);
  await follow.stdout.until('serving');
  await rig.ok(['daemon', 'stop']);
  await follow.stdout.until('stopped');
  follow.kill('SIGINT');
  expect((await follow.ended).code).toBe(0);
});
