// What must be gone when all runs have ended and the daemon has stopped.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { HomePaths } from '../../shared/paths.ts';
import { type ProcessFacts, pids, processesWith, turn } from './processes.ts';
import type { Repository } from './repository.ts';

/** A supervisor has a few things to do after the end of its run was announced. */
const LAST_WORK_MS = 5000;

export interface Place {
  /** The test's folder: every process that belongs to it has a path below it in its environment. */
  folder: string;
  paths: HomePaths;
  repositories: readonly Repository[];
}

/** One line for each thing left behind. */
export async function findLeaks({ folder: all, paths, repositories }: Place): Promise<string[]> {
  const leaks: string[] = [];
  for (const { pid, command } of await lastProcesses(all)) leaks.push(`process ${pid} is left: ${command}`);
  for (const folder of [paths.spaces, paths.environments, paths.ended]) {
    const names = existsSync(folder) ? await readdir(folder) : [];
    for (const name of names.filter((each) => !['.trash', '.pool'].includes(each)))
      leaks.push(`${folder}/${name} is left`);
  }
  for (const repository of repositories) {
    for (const line of (await repository.git('worktree', 'list', '--porcelain')).split('\n'))
      if (line.startsWith(`worktree ${paths.home}/`) && !line.includes(`${paths.pool}/`))
        leaks.push(`${line} of ${repository.root} is left`);
  }
  return leaks;
}

/** Lines of the daemon's log that tell of a fault. */
export async function loggedErrors(log: string): Promise<string[]> {
  if (!existsSync(log)) return [];
  const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
}

async function lastProcesses(folder: string): Promise<ProcessFacts[]> {
  const deadline = Date.now() + LAST_WORK_MS;
  let left = processesWith(`${folder}/`);
  while (left.length > 0 && Date.now() < deadline) {
    await turn();
    left = processesWith(`${folder}/`);
  }
  const alive = new Set(pids());
  return left.filter(({ pid }) => alive.has(pid));
}
