// The command line's grammar: finds the command, loads it alone, and lets commander parse. Loading every command
// is for help, completion and words that are no command.
import { Command, CommanderError } from 'commander';
import { QwexError } from '../shared/errors.ts';
import { VERSION } from '../shared/version.ts';
import { COMMANDS, type CommandEntry, entryFor } from './commands.ts';
import type { Context } from './context.ts';

/** Runs the words of `context.argv`; resolves to the exit code. Throws QwexError for what the user got wrong. */
export async function runProgram(context: Context): Promise<number> {
  const word = context.argv.find((argument) => !argument.startsWith('-'));
  const entry = entryFor(word);
  const program = await buildProgram(context, entry ? [entry] : COMMANDS);
  try {
    await program.parseAsync([...context.argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return exitOf(error, context);
  }
  return context.exitCode;
}

export async function buildProgram(context: Context, entries: readonly CommandEntry[]): Promise<Command> {
  const program = new Command('qwex')
    .description('Runs commands from exact git commits in a queue of your own.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .helpCommand('help [command]', 'explain a command')
    .usage('<command> [options]')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.terminal.stdout.write(text),
      // Errors are shown once, by reportError.
      writeErr: () => undefined,
      getOutHelpWidth: () => context.terminal.width ?? 100,
      getOutHasColors: () => false,
    })
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
  if (error.exitCode === 0 && error.code !== 'commander.help') return 0;
  if (error.code === 'commander.help') return helpWithoutCommand(context);
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const word = entryFor(context.argv.find((argument) => !argument.startsWith('-')))?.name;
  const help = word === undefined ? 'qwex --help' : `qwex ${word} --help`;
  const hint = suggestion === undefined ? help : `${suggestion.replace(/^\(|\)$/g, '')} See: ${help}`;
  throw new QwexError({ code: 'usage', message, hint });
}

/** `qwex` alone: the help is shown, and a script that forgot the command hears about it. */
function helpWithoutCommand(context: Context): number {
  return context.argv.length === 0 ? 2 : 0;
}
