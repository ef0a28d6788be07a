// The command line's grammar: finds the command, loads it alone, and lets commander parse. Loading every command
// is for help, completion and words that are no command.
import { Command, CommanderError } from 'commander';
import { ERROR_CODES, QwexError } from '../shared/errors.ts';
import { VERSION } from '../shared/version.ts';
import { COMMANDS, type CommandEntry, entryFor } from './commands.ts';
import type { Context } from './context.ts';

/** Runs the words of `context.argv`; resolves to the exit code. Throws QwexError for what the user got wrong. */
export async function runProgram(context: Context): Promise<number> {
  const argv = jsonBehindCommand(context.argv);
  const entry = entryFor(argv.find((argument) => !argument.startsWith('-')));
  const program = await buildProgram(context, entry ? [entry] : COMMANDS);
  program.hook('preAction', (_, action) => {
    context.json = action.optsWithGlobals<{ json?: boolean }>().json === true;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return exitOf(error, context);
  }
  return context.exitCode;
}

/** `qwex --json list` is `qwex list --json`. */
function jsonBehindCommand([first, second, ...rest]: readonly string[]): string[] {
  const words = [first, second].filter((word) => word !== undefined);
  if (first === '--json' && second !== undefined && !second.startsWith('-')) words.reverse();
  return [...words, ...rest];
}

export async function buildProgram(context: Context, entries: readonly CommandEntry[]): Promise<Command> {
  const program = new Command('qwex')
    .description('Runs commands from exact git commits in a queue of your own.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .commandsGroup('Keep house:')
    .helpCommand('help [command]', 'explain a command')
    .usage('<command> [options]')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.terminal.stdout.write(text),
      writeErr: (text) => context.terminal.stderr.write(text),
      // Shown once, by reportError.
      outputError: () => undefined,
      getOutHelpWidth: () => context.terminal.width ?? 100,
      getOutHasColors: () => false,
    })
    .configureHelp({ subcommandTerm: termOf })
    .addHelpText('after', FIRST_STEPS);
  for (const entry of entries) {
    const { register } = await entry.load();
    const command = register(program, context);
    command.helpGroup(entry.group);
  }
  return program;
}

const FIRST_STEPS = `
In a git repository:
  qwex run -- python train.py     queue it; the prompt is back at once
  qwex watch @                    follow the latest run
  qwex list                       what ran, what runs, what waits
  qwex help run                   every option, with examples`;

function exitOf(error: CommanderError, context: Context): number {
  if (error.exitCode === 0) return 0;
  // `qwex` or `qwex daemon` alone: the help was shown on stderr, as a script forgot a word.
  if (error.code === 'commander.help') return ERROR_CODES.usage.exit;
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const word = entryFor(context.argv.find((argument) => !argument.startsWith('-')))?.name;
  const help = word === undefined ? 'qwex --help' : `qwex ${word} --help`;
  const hint = suggestion === undefined ? help : `${suggestion.replace(/^\(|\)$/g, '')} See: ${help}`;
  throw new QwexError({ code: 'usage', message, hint });
}

/** `list, ls, ps` or `wait <id...>`: names and arguments; that there are options goes without saying. */
function termOf(command: Command): string {
  const names = [command.name(), ...command.aliases()].join(', ');
  const words = command.registeredArguments.map((argument) => {
    const name = argument.name() + (argument.variadic ? '...' : '');
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [names, ...words].join(' ');
}
