// qwex box …: the machine that several people share. Each word has its file in cli/box/.
import { type Command, Option } from 'commander';
import { formatDuration } from '../../shared/duration.ts';
import type { Context } from '../context.ts';
import { collect, integerIn, parseTime } from '../input/values.ts';

const DEFAULT_TIME_MS = 12 * 3_600_000;
const MOST_DEVICES = 64;

export function register(program: Command, context: Context): Command {
  const box = program
    .command('box')
    .summary('the machine that you share: who has which GPU, and the line')
    .description('Shows each device with its holder, and the line: places, expected starts, and the reasons.')
    .enablePositionalOptions()
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (_, command: Command) =>
      (await import('../box/status.ts')).showStatus(context, command.optsWithGlobals()),
    );
  box
    .command('report')
    .description('who used how much, what others saw of it, and devices that are held and idle')
    .option('--since <time>', 'from when: a length of time (7d) or a date; whole days', '7d')
    .option('--json', 'print JSON')
    .action(async (_, command: Command) =>
      (await import('../box/report.ts')).showReport(context, command.optsWithGlobals()),
    );
  box
    .command('doctor')
    .description('what is wrong with the box, and who can put it right; exits with 1 on an error')
    .option('--json', 'print JSON')
    .action(async (_, command: Command) =>
      (await import('../box/doctor.ts')).showFindings(context, command.optsWithGlobals()),
    );
  registerChanges(box, context);
  return box;
}

/** For whoever made the box. */
function registerChanges(box: Command, context: Context): void {
  box
    .command('drain')
    .description('give a device to no further run; the one on it goes on')
    .argument('<device>', 'as in the table: gpu0')
    .option('--why <text>', 'shown to all')
    .option('--path <folder>', "of this box, without a daemon; under sudo the machine's")
    .option('--json', 'print JSON')
    .action(async (device: string, _, command: Command) =>
      (await import('../box/drain.ts')).drain(context, device, command.optsWithGlobals()),
    );
  box
    .command('resume')
    .description('give out a drained device again')
    .argument('<device>', 'as in the table: gpu0')
    .option('--path <folder>', "of this box, without a daemon; under sudo the machine's")
    .option('--json', 'print JSON')
    .action(async (device: string, _, command: Command) =>
      (await import('../box/drain.ts')).resume(context, device, command.optsWithGlobals()),
    );
  box
    .command('init')
    .description("make the box of a machine, once; needs sudo only for a place that isn't yours")
    .option('--group <name>', 'only for members of this group')
    .option('--path <folder>', 'where; QWEX_BOX or /var/lib/qwex by default')
    .option('--device <id:type[:uuid]>', 'a device that no driver tells of (repeatable)', collect)
    .option('--fake <n>', 'pretend so many devices, to try it out', integerIn(1, MOST_DEVICES))
    .addOption(
      new Option('--default-time <length>', 'limit of runs without --time')
        .argParser(parseTime)
        .default(DEFAULT_TIME_MS, formatDuration(DEFAULT_TIME_MS)),
    )
    .option('--max-devices <n>', 'held by one member at a time', integerIn(1, Number.MAX_SAFE_INTEGER))
    .option('--json', 'print JSON')
    .action(async (_, command: Command) =>
      (await import('../box/init.ts')).init(context, command.optsWithGlobals()),
    );
}

const EXAMPLES = `
Examples:
  qwex box                                  # who has what, who is next and why
  qwex box report --since 30d
  sudo qwex box init --group lab            # once for each machine; see docs/box.md
  qwex box init --path /tmp/box --fake 4    # to try it out on any machine
  qwex box drain gpu3 --why 'fan broken'`;
