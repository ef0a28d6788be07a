// What may come next on a command line, read off the commander tree: no second list of commands or options.
import type { Command, Option } from 'commander';
import { LOCAL_API } from '../../shared/api.ts';
import type { BoxStatus } from '../../shared/box.ts';
import { QwexError } from '../../shared/errors.ts';
import type { TemplatesResponse } from '../../shared/schemas/local.ts';
import type { Context } from '../context.ts';
import { shortId } from '../view/run-words.ts';

/** Words known at once, or a kind of word that must be looked up. */
export interface Candidates {
  prefix: string;
  words: readonly string[];
  ask: 'runs' | 'runners' | 'jobs' | 'templates' | 'devices' | 'files' | null;
}

const ASK_BY_ARGUMENT: Readonly<Record<string, Candidates['ask']>> = {
  id: 'runs',
  a: 'runs',
  b: 'runs',
  template: 'templates',
  device: 'devices',
};
const ASK_BY_OPTION: Readonly<Record<string, Candidates['ask']>> = {
  '--runner': 'runners',
  '--job': 'jobs',
  '--after': 'runs',
  '--after-any': 'runs',
};

/** `words`: those behind `qwex`, the last one being typed and maybe empty. */
export function candidates(program: Command, words: readonly string[]): Candidates {
  const prefix = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { command, operands, typedOption } = walk(program, before);
  const nothing = { prefix, words: [], ask: null };
  if (typedOption !== null) {
    if (typedOption.argChoices !== undefined) return { ...nothing, words: typedOption.argChoices };
    return { ...nothing, ask: ASK_BY_OPTION[typedOption.long ?? ''] ?? 'files' };
  }
  const ownsTheRest = isPassThrough(command) && (operands > 0 || before.includes('--'));
  if (ownsTheRest) return { ...nothing, ask: 'files' };
  if (prefix.startsWith('-')) return { ...nothing, words: longOptions(command) };
  if (command.commands.length > 0) return { ...nothing, words: visibleNames(command) };
  const argument = command.registeredArguments[Math.min(operands, command.registeredArguments.length - 1)];
  if (argument === undefined || (operands >= command.registeredArguments.length && !argument.variadic))
    return nothing;
  if (argument.argChoices !== undefined) return { ...nothing, words: argument.argChoices };
  return { ...nothing, ask: ASK_BY_ARGUMENT[argument.name()] ?? 'files' };
}

interface Place {
  command: Command;
  /** Operands given to the command so far. */
  operands: number;
  /** The option whose value is being typed. */
  typedOption: Option | null;
}

function walk(program: Command, before: readonly string[]): Place {
  const place: Place = { command: program, operands: 0, typedOption: null };
  for (const word of before) {
    if (place.typedOption !== null) {
      place.typedOption = null;
    } else if (word.startsWith('-') && word !== '-') {
      const option = place.command.options.find(({ long, short }) => long === word || short === word);
      place.typedOption = option?.required ? option : null;
    } else {
      const next = place.command.commands.find((child) => [child.name(), ...child.aliases()].includes(word));
      if (next !== undefined) place.command = next;
      else place.operands += 1;
    }
    if (isPassThrough(place.command) && place.operands > 0) break;
  }
  return place;
}

/** run, batch, compile, detach: what follows the first word is another program's. */
function isPassThrough(command: Command): boolean {
  return command.registeredArguments[0]?.name() === 'command';
}

function longOptions(command: Command): string[] {
  return [...command.options.flatMap(({ long, hidden }) => (long && !hidden ? [long] : [])), '--help'];
}

function visibleNames(command: Command): string[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((child) => child.name());
}

/** The candidates that begin with what was typed; `:files` alone asks the shell for file names. */
export async function offer(context: Context, { prefix, words, ask }: Candidates): Promise<string[]> {
  if (ask === 'files') return [':files'];
  const found = ask === null ? words : await lookUp(context, ask);
  return found.filter((word) => word.startsWith(prefix));
}

async function lookUp(context: Context, ask: NonNullable<Candidates['ask']>): Promise<string[]> {
  const runner = await context.runner({ autostart: false });
  try {
    if (ask === 'runs') {
      const { runs } = await runner.list({ limit: 50 });
      return [
        ...new Set(runs.flatMap(({ id, name }) => (name === null ? [shortId(id)] : [name, shortId(id)]))),
      ];
    }
    if (ask === 'devices')
      return (await runner.request<BoxStatus>(LOCAL_API.box)).devices.map(({ id }) => id);
    const query = { cwd: context.cwd };
    const answer = await runner.request<TemplatesResponse>(LOCAL_API.templates, { query });
    if (ask === 'jobs') return answer.jobs;
    const templates = answer.templates.map(({ name }) => name);
    return ask === 'templates' ? templates : [...answer.runners.map(({ name }) => name), ...templates];
  } catch (error) {
    // A shell that completes is no place for errors.
    if (error instanceof QwexError) return [];
    throw error;
  }
}
