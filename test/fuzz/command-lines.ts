// Command lines of every command, made from what the commands themselves say they take: right options with hostile
// values, hostile words, options of others, in any order.
import type { Command } from 'commander';
import fc from 'fast-check';
import { COMMANDS } from '../../cli/commands.ts';
import { buildProgram } from '../../cli/program.ts';
import { testContext } from '../cli/rig.ts';
import { hostileWord } from './hostile.ts';

interface Shape {
  /** As typed: ['daemon', 'status']. */
  words: string[];
  options: { flag: string; takesValue: boolean }[];
}

/**
 * `known`: words that mean something. Left out are those that replace this process, go on for ever or change the
 * machine: detach, following, starting and stopping daemons, installing, init of a box.
 */
export async function commandLines(known: readonly string[]): Promise<fc.Arbitrary<string[]>> {
  const program = await buildProgram(testContext(), COMMANDS);
  const shapes = program.commands.flatMap((command) => shapesOf(command, [command.name()]));
  const lines = fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...shapes).chain((shape) => lineOf(shape, known)) },
    { weight: 1, arbitrary: fc.array(hostileWord, { maxLength: 4 }) },
  );
  return lines.filter((line) => !isForEver(line));
}

function shapesOf(command: Command, words: string[]): Shape[] {
  const options = command.options.map(({ long, short, required, optional }) => ({
    flag: long ?? short ?? '',
    takesValue: required || optional,
  }));
  return [
    { words, options },
    ...command.commands.flatMap((inner) => shapesOf(inner, [...words, inner.name()])),
  ];
}

function lineOf({ words, options }: Shape, known: readonly string[]): fc.Arbitrary<string[]> {
  const word: fc.Arbitrary<string> = fc.oneof(fc.constantFrom(...known), hostileWord);
  const alone: fc.Arbitrary<string[]> = word.map((text) => [text]);
  const given = options.map(
    ({ flag, takesValue }): fc.Arbitrary<string[]> =>
      takesValue
        ? fc.tuple(word, fc.boolean()).map(([text, joined]) => (joined ? [`${flag}=${text}`] : [flag, text]))
        : fc.constant([flag]),
  );
  const part = fc.oneof(...given, alone, alone, fc.constantFrom(['--'], ['--json']));
  return fc.array(part, { maxLength: 5 }).map((parts) => [...words, ...parts.flat()]);
}

const FOLLOWS = /^(?:--follow|-[a-zA-Z]*f[a-zA-Z]*)$/;
/** Could be a run that somebody has made, and that never ends. */
const RUN = /^[\w.+@~ -]+$/;

function mayBeRun(word: string): boolean {
  return RUN.test(word) && word !== 'ended' && !word.startsWith('-');
}

function isForEver(line: readonly string[]): boolean {
  const [first = '', second = ''] = line.filter((word) => !word.startsWith('-'));
  if (['detach', 'batch', 'pause'].includes(first)) return true;
  // Without a run it is the latest one, which is held.
  if (['watch', 'wait'].includes(first))
    return line[1] === undefined || line[1].startsWith('-') || line.slice(1).some(mayBeRun);
  // A box that isn't there is left to the tests of the box.
  if (first === 'box') return line.includes('init') || line.some((word) => word.startsWith('--path'));
  // Starts the daemon anew.
  if (first === 'doctor' && line.some((word) => word.startsWith('--rebuild'))) return true;
  if (first === 'daemon' && ['start', 'stop', 'restart', 'install'].includes(second)) return true;
  return line.some((word) => FOLLOWS.test(word));
}
