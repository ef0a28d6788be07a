// Texts and values that programs have stumbled over. Whatever of them is run as a shell would make a file PWNED.
import fc from 'fast-check';

const WORDS = [
  ...['', ' ', '\0', 'a\0b', '\n', 'a\nb', '\r\n', '\t', 'trailing ', '\x1b[2J', '\x07', '\x7f', '\x9b31m'],
  ...[
    '.',
    '..',
    '../..',
    '../x',
    'a/../../b',
    '/..',
    '//',
    './',
    'a//b',
    '.git',
    '.git/config',
    '.qwex',
    '...',
  ],
  ...[
    '-',
    '--',
    '-x',
    '--help',
    '--json',
    '-rf',
    '--upload-pack=touch PWNED',
    '--output=PWNED',
    '@{-1}',
    ':/x',
  ],
  ...[
    '@',
    '@~0',
    '@~1',
    '@~999999999',
    '@~-1',
    '@~x',
    '0199',
    'ffff',
    '0'.repeat(36),
    '%',
    '_',
    'HEAD',
    'main',
  ],
  ...[
    '$(touch PWNED)',
    '`touch PWNED`',
    "'; touch PWNED; '",
    '"; touch PWNED; "',
    '\n touch PWNED\n',
    '|touch PWNED',
  ],
  ...[
    '{{ inner }}',
    '{% raw %}',
    '{{ 7 * 7 }}',
    '$IFS',
    '%s%n',
    '\\',
    "'",
    '"',
    '#',
    '&',
    ';',
    '*',
    '?',
    '[a',
    '<x>',
  ],
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'hasOwnProperty',
    'toString',
    'valueOf',
    'length',
    'base',
    'train',
  ],
  ...[
    'NaN',
    'Infinity',
    '-1',
    '-0',
    '1e309',
    '0x10',
    '9007199254740993',
    '1.5',
    'null',
    'true',
    '[]',
    '{}',
    '=',
    'A=B',
  ],
  ...[
    '\u202eevil',
    '\ufeff',
    '\ud800',
    '\udc00x',
    'e\u0301',
    '\u00e9',
    '🦊',
    '\u2028',
    'ﷺ',
    'İ',
    '\u0000\u0000',
  ],
  ...[
    '%00',
    '%2e%2e%2f',
    '%ff',
    '%',
    '%zz',
    '+',
    '30m',
    '4h',
    '-5m',
    '1e3h',
    '9999999999999h',
    'QWEX_RUN_ID=x',
  ],
];

/** A text that means trouble, or any text at all. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...WORDS) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme-composite', maxLength: 30 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...WORDS), fc.constantFrom(...WORDS)).map((two) => two.join('')),
  },
  { weight: 1, arbitrary: fc.nat(3).map((size) => 'x'.repeat(10 ** (size + 1) * 3)) },
);

/** The same for places where a NUL can't come from: words of a command line, names of files. */
export const hostileWord: fc.Arbitrary<string> = hostileText.map((text) =>
  text.replaceAll('\0', '\u0001').replace(/^\/+/, 'slash'),
);

export const hostileNumber: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    -1,
    1,
    0.5,
    1e21,
    1e300,
    1.7e308,
    -1e308,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    -(2 ** 53),
    5e-324,
  ),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const leaf = fc.oneof(hostileText, hostileNumber, fc.boolean(), fc.constant(null));

/** Anything that JSON can say, a few levels deep. Keys like __proto__ are keys of their own. */
export const hostileJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(hostileText, tie('value')), { maxLength: 4 }).map((entries) => record(entries)),
  ),
})).value;

export function record(entries: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  return Object.fromEntries(entries);
}
