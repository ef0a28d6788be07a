import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printable, quoteCommand, quotePath } from '../../../cli/view/quote.ts';

/** What bash makes of a command line's words. */
function readByBash(line: string): string[] {
  const out = execFileSync('bash', ['-c', `printf '%s\\0' ${line}`], {
    env: { LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return out.toString('utf8').split('\0').slice(0, -1);
}

const word = fc
  .string({
    unit: fc.constantFrom(
      ...'ab "\'\\$`!*?~#&|;<>(){}[]=%^\n\r\t',
      '\u001b',
      '\u0007',
      'é',
      '日',
      '🚀',
      '\u202e',
      '\u0085',
    ),
  })
  .filter((text) => !text.includes('\0'));

describe('quoteCommand', () => {
  test('bash reads every word back as it was, from one line', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const line = quoteCommand(words);
        expect(line).not.toMatch(/\p{Cc}/u);
        expect(readByBash(line)).toEqual(words);
      }),
      { numRuns: 60 },
    );
  });

  test('leaves plain words as they are', () => {
    expect(quoteCommand(['python', 'train.py', '--lr=0.1', 'über/x'])).toBe(
      'python train.py --lr=0.1 über/x',
    );
    expect(quoteCommand(['echo', '', "it's"])).toBe(`echo '' 'it'\\''s'`);
  });
});

describe('what others wrote', () => {
  test('can neither steer the terminal nor begin a line', () => {
    expect(printable('a\u001b[2Jb\nc\u202ed')).toBe('a\\e[2Jb\\nc\\u202ed');
    expect(printable('plain text, with $igns')).toBe('plain text, with $igns');
  });

  test('a path with a newline stays in its row', () => {
    expect(quotePath('out/model.pth')).toBe('out/model.pth');
    expect(quotePath('out/my model.pth')).toBe('out/my model.pth');
    expect(quotePath('x\n 9 B  fake')).toBe("$'x\\n 9 B  fake'");
    expect(quotePath(' leading')).toBe("$' leading'");
  });

  test('a byte that is no UTF-8 is shown as bash writes it', () => {
    expect(quotePath('caf\u{10fee9}')).toBe("$'caf\\xe9'");
  });
});
