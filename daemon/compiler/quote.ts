// Shell words. The only place where a value becomes shell text: every other module comes here.
import { QwexError } from '../../shared/errors.ts';

/** Words that mean only themselves as an argument in any POSIX shell. */
const PLAIN = /^[A-Za-z0-9_%+,./:@][A-Za-z0-9_%+,./:@=-]*$|^--?[A-Za-z0-9][A-Za-z0-9_%+,./:@=-]*$/;

/**
 * One POSIX shell word that stands for exactly `value`. Throws `compile_failed` where no word can.
 * In single quotes, or in double quotes where that is shorter: a quote in single quotes takes four
 * characters with three quotes in them, so scripts in scripts would grow threefold with each layer,
 * past what Linux takes as one argument (128 KiB), and past reading much sooner.
 */
export function quoteWord(value: string): string {
  const single = `'${checked(value).replaceAll("'", "'\\''")}'`;
  if (!value.includes("'")) return single;
  const double = `"${value.replace(/[\\$`"]/g, '\\$&')}"`;
  return double.length < single.length ? double : single;
}

/**
 * A path as one shell word, with a leading `~/` left for the home directory of wherever the script
 * runs, which quoting would otherwise take for a folder named `~`.
 */
export function quotePath(path: string): string {
  if (path === '~') return '"$HOME"';
  return path.startsWith('~/') ? `"$HOME"/${quoteWord(path.slice(2))}` : quoteWord(path);
}

/** The script that becomes `command`: innermost of every stack, so that signals reach the program itself. */
export function commandScript(command: readonly string[]): string {
  // A program whose name starts with a dash would be taken for an option of exec.
  return `exec ${command[0]?.startsWith('-') ? '-- ' : ''}${commandLine(command)}`;
}

/** A command as one would type it, each word quoted where it has to be. */
export function commandLine(command: readonly string[]): string {
  return command.map((word) => (PLAIN.test(word) ? word : quoteWord(word))).join(' ');
}

function checked(value: string): string {
  if (value.includes('\0')) throw impossible('a NUL byte, which no argument of a program can hold');
  if (!value.isWellFormed()) throw impossible('half of a surrogate pair, which has no bytes in UTF-8');
  return value;
}

function impossible(what: string): QwexError {
  return new QwexError({
    code: 'compile_failed',
    message: `a word of the script would contain ${what}`,
    hint: 'pass such data in a file',
  });
}
