import { execFileSync } from 'node:child_process';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEach, readEach } from '../../../cli/input/each.ts';
import { plainWords } from '../../../cli/input/shell-words.ts';

describe('plainWords', () => {
  test.each([
    ['python train.py --lr 0.1', ['python', 'train.py', '--lr', '0.1']],
    [`echo 'a  b' "c d"e ''`, ['echo', 'a  b', 'c de', '']],
    ['x --name=über a\tb', ['x', '--name=über', 'a', 'b']],
  ])('%s needs no shell', (line, words) => {
    expect(plainWords(line)).toEqual(words);
  });

  test.each([
    'a | b',
    'a && b',
    'a; b',
    'a > f',
    'echo $HOME',
    'echo "$HOME"',
    'ls *.py',
    'X=1 cmd',
    'cd x',
    'source v',
    'for i in a',
    'echo `x`',
    'a # b',
    'echo ~',
    'echo {a,b}',
    "echo 'open",
    'echo "a\\b"',
    'a\\ b',
    '',
    '! true',
  ])("%j is the shell's", (line) => {
    expect(plainWords(line)).toBeUndefined();
  });

  test('what it splits, bash splits the same', () => {
    const line = fc.string({
      unit: fc.constantFrom(...'ab=-./ \'"$\\~*#{}!%@:,+^é日'),
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(line, (text) => {
        const words = plainWords(text);
        fc.pre(words !== undefined);
        const out = execFileSync('bash', ['-c', `printf '%s\\0' ${text}`], {
          env: { LC_ALL: 'C.UTF-8' },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        expect(out.toString('utf8').split('\0').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 60 },
    );
  });
});

test('one command a line; comments and empty lines are none', () => {
  expect(parseEach('\ufeff# sweep\r\n\n  a b  \necho $X\r\n')).toEqual([
    ['a', 'b'],
    ['bash', '-c', 'echo $X'],
  ]);
});

test('an empty list is a mistake', async () => {
  await expect(readEach('-', () => Readable.from(['# nothing\n']))).rejects.toMatchObject({ code: 'usage' });
});
