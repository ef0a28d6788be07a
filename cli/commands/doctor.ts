// qwex doctor: is all here that runs need? And the one cure that it has: the index made anew from the run folders.
import type { Command } from 'commander';
import type { Context } from '../context.ts';

interface Flags {
  json?: boolean;
  rebuild?: boolean;
}

export function register(program: Command, context: Context): Command {
  return program
    .command('doctor')
    .summary('check this machine, home and workspace')
    .description(
      'Checks what runs need on this machine, in the home and in this workspace. Exits with 1 on an error.',
    )
    .option('--rebuild', 'make the index of runs anew from their folders; the former one is set aside')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async ({ rebuild, ...flags }: Flags) => {
      if (rebuild) return (await import('../doctor/rebuild.ts')).rebuild(context, flags);
      return (await import('../doctor/examine.ts')).examine(context, flags);
    });
}

const EXAMPLES = `
Examples:
  qwex doctor
  qwex doctor --rebuild        # runs are missing from the list, and their folders are there`;
