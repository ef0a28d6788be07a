import { expect, test } from 'vitest';
import { parseEnvFile } from '../../../cli/input/env-file.ts';

test('reads the usual lines', () => {
  const text = `\ufeff# comment
A=1
export B = two words # a comment
C="a # b\\n\\"c\\" $HOME"
D='single $HOME \\n'
E=
F=a#b
G="" # empty\r
A=2
`;
  expect(parseEnvFile(text, 'x.env')).toEqual({
    A: '2',
    B: 'two words',
    C: 'a # b\n"c" $HOME',
    D: 'single $HOME \\n',
    E: '',
    F: 'a#b',
    G: '',
  });
});

test.each(['no assignment', '=x', '1A=x', 'A="open', "A='open", 'A="x" y', 'A-B=1'])(
  'refuses %j, by file and line, and without showing it',
  (line) => {
    let thrown: unknown;
    try {
      parseEnvFile(`OK=1\n${line}`, 'x.env');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'usage', message: 'x.env:2: not a KEY=VALUE line' });
  },
);
