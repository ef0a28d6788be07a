// What must be gone when all runs have ended and the daemon has stopped.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { HomePaths } from '../../shared/paths.ts';
import { type ProcessFacts, pids, processesWith, turn } from './processes.ts';
import type { Repository } from './repository.ts';

/** A supervisor has a few things to do after the end of its run was announced. */
const LAST_WORK_MS = 5000;

/** One line for each thing left behind. */
export async function findLeaks(paths: HomePaths, repositories: readonly Repository[]): Promise<string[]> {
  const leaks: string[] = [];
  for (const { pid, command } of await lastProcesses(paths.home))
    leaks.push(`process ${pid} is left: ${command}`);
  for (const folder of [paths.spaces, paths.environments, paths.ended]) {
    const names = await readdir(folder);
    for (const name of names.filter((each) => each !== '.trash')) leaks.push(`${folder}/${name} is left`);
  }
  for (const repository of repositories) {
    for (const line of (await repository.git('worktree', 'list', '--porcelain')).split('\n'))
      if (line.startsWith(`worktree ${paths.home}/`)) leaks.push(`${line} of ${repository.root} is left`);
  }
  return leaks;
}

/** Everything that belongs to a home: its daemon, its supervisors, its runs' processes. */
export function processesOf(home: string): ProcessFacts[] {
  const found = [...processesWith(`QWEX_HOME=${home}`), ...processesWith(`QWEX_RUN_DIR=${home}/`, true)];
  return [...new Map(found.map((facts) => [facts.pid, facts])).values()];
}

/** Lines of the daemon's log that tell of a fault. */
export async function loggedErrors(log: string): Promise<string[]> {
  if (!existsSync(log)) return [];
  const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
}

async function lastProcesses(home: string): Promise<ProcessFacts[]> {
  const deadline = Date.now() + LAST_WORK_MS;
  let left = processesOf(home);
  while (left.length > 0 && Date.now() < deadline) {
    await turn();
    left = processesOf(home);
  }
  const alive = new Set(pids());
  return left.filter(({ pid }) => alive.has(pid));
}
