// Where a chaos run takes place: a temporary folder with a home, a repository and the ledger.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startDaemon } from '../../shared/client/start-daemon.ts';
import { QwexError } from '../../shared/errors.ts';
import { Journal } from './journal.ts';

const execute = promisify(execFile);

export const WORKSPACE = 'chaos';

export interface World {
  seed: number;
  folder: string;
  home: string;
  repository: string;
  /** The commit that all runs are made from. */
  sha: string;
  ledger: string;
  journal: Journal;
  /** Starts a daemon as the next command of a user would; who asks meanwhile waits for the same one. */
  revive: () => Promise<void>;
}

/** A repository that has the job, a home with some slots, an empty ledger. */
export async function makeWorld(seed: number): Promise<World> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'qwex-chaos-')));
  const [home, repository] = [join(folder, 'home'), join(folder, WORKSPACE)];
  const ledger = join(folder, 'ledger');
  await mkdir(home, { mode: 0o700 });
  await writeFile(join(home, 'config.yaml'), 'slots: 4\ngrace: 400ms\n');
  await writeFile(ledger, '');
  await mkdir(repository);
  await copyFile(fileURLToPath(new URL('job.sh', import.meta.url)), join(repository, 'job.sh'));
  await mkdir(join(repository, 'out'));
  await writeFile(join(repository, 'out', '.keep'), 'the commit has this\n');
  await git(repository, 'init', '--quiet', '--initial-branch=main');
  await git(repository, 'add', '--all');
  await git(repository, 'commit', '--quiet', '--message=The job');
  const sha = await git(repository, 'rev-parse', 'HEAD');
  const journal = new Journal(join(folder, 'journal.jsonl'));
  return { seed, folder, home, repository, sha, ledger, journal, revive: oneAtATime(() => revive(home)) };
}

/** What git prints, without its last newline. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  const who = ['-c', 'user.name=Chaos', '-c', 'user.email=chaos@localhost', '-c', 'core.hooksPath=/dev/null'];
  const { stdout } = await execute('git', [...who, ...args], { cwd });
  return stdout.trimEnd();
}

async function revive(home: string): Promise<void> {
  try {
    await startDaemon(home);
  } catch (error) {
    if (!(error instanceof QwexError)) throw error; // it was killed while it started
  }
}

function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined;
  return () => {
    current ??= work().finally(() => {
      current = undefined;
    });
    return current;
  };
}

export function runFolder(world: World, id: string): string {
  return join(world.home, WORKSPACE, 'runs', id);
}
