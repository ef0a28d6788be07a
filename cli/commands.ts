// Every command once: its name, where help lists it, and the file that has it.
import type { Command } from 'commander';
import type { Context } from './context.ts';

export interface CommandModule {
  /** Adds the command to the program and returns it. */
  register: (program: Command, context: Context) => Command;
}

export interface CommandEntry {
  name: string;
  aliases?: readonly string[];
  group: string;
  load: () => Promise<CommandModule>;
}

const RUN = 'Run:';
const LOOK = 'Look:';
const ACT = 'Act:';
const RESULTS = 'Get results and code back:';
const COMPILE = 'Compile:';
const SHARE = 'Share a machine:';
const HOUSE = 'Keep house:';

export const COMMANDS: readonly CommandEntry[] = [
  { name: 'run', group: RUN, load: () => import('./commands/run.ts') },
  { name: 'batch', group: RUN, load: () => import('./commands/batch.ts') },
  { name: 'rerun', group: RUN, load: () => import('./commands/rerun.ts') },
  { name: 'detach', group: RUN, load: () => import('./commands/detach.ts') },
  { name: 'list', aliases: ['ls', 'ps'], group: LOOK, load: () => import('./commands/list.ts') },
  { name: 'status', group: LOOK, load: () => import('./commands/status.ts') },
  { name: 'logs', group: LOOK, load: () => import('./commands/logs.ts') },
  { name: 'watch', group: LOOK, load: () => import('./commands/watch.ts') },
  { name: 'wait', group: LOOK, load: () => import('./commands/wait.ts') },
  { name: 'cancel', group: ACT, load: () => import('./commands/cancel.ts') },
  { name: 'hold', group: ACT, load: () => import('./commands/hold.ts') },
  { name: 'release', group: ACT, load: () => import('./commands/release.ts') },
  { name: 'pause', group: ACT, load: () => import('./commands/pause.ts') },
  { name: 'resume', group: ACT, load: () => import('./commands/resume.ts') },
  { name: 'artifacts', group: RESULTS, load: () => import('./commands/artifacts.ts') },
  { name: 'checkout', group: RESULTS, load: () => import('./commands/checkout.ts') },
  { name: 'diff', group: RESULTS, load: () => import('./commands/diff.ts') },
  { name: 'init', group: COMPILE, load: () => import('./commands/init.ts') },
  { name: 'compile', group: COMPILE, load: () => import('./commands/compile.ts') },
  { name: 'add', group: COMPILE, load: () => import('./commands/add.ts') },
  { name: 'templates', group: COMPILE, load: () => import('./commands/templates.ts') },
  { name: 'box', group: SHARE, load: () => import('./commands/box.ts') },
  { name: 'config', group: HOUSE, load: () => import('./commands/config.ts') },
  { name: 'daemon', group: HOUSE, load: () => import('./commands/daemon.ts') },
  { name: 'gc', group: HOUSE, load: () => import('./commands/gc.ts') },
  { name: 'doctor', group: HOUSE, load: () => import('./commands/doctor.ts') },
  { name: 'completion', group: HOUSE, load: () => import('./commands/completion.ts') },
  { name: '__complete', group: HOUSE, load: () => import('./commands/complete.ts') },
];

/** The command that a word names, by its name or an alias. */
export function entryFor(word: string | undefined): CommandEntry | undefined {
  return COMMANDS.find(({ name, aliases }) => name === word || aliases?.includes(word ?? ''));
}
