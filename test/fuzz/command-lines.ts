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

const FOR_EVER = /^(?:--follow|-[a-zA-Z]*f[a-zA-Z]*|--watch-status)$/;

function isForEver(line: readonly string[]): boolean {
  const [first = '', second = ''] = line.filter((word) => !word.startsWith('-'));
  if (['watch', 'wait', 'batch', 'detach', 'pause'].includes(first))
    return (
      first === 'detach' ||
      line.includes('@') ||
      line.includes('held') ||
      first === 'batch' ||
      first === 'pause'
    );
  if (first === 'daemon')
    return (
      ['start', 'stop', 'restart', 'install'].includes(second) || line.some((word) => FOR_EVER.test(word))
    );
  // A box that isn't there is left to the tests of the box.
  if (first === 'box') return line.includes('init') || line.some((word) => word.startsWith('--path'));
  return line.some((word) => FOR_EVER.test(word));
}
