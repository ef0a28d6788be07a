// Text of others made safe to show: it can neither steer the terminal nor fake a line of ours.

/** Controls, and the characters that reorder or hide what stands beside them. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;
const BARE_WORD = /^[\p{L}\p{N}_@%+=:,./-]+$/u;
/** What most text is. Classes of Unicode take V8 a millisecond to compile, so they are asked only when needed. */
const PLAIN = /^[\x20-\x7e]*$/;
const PLAIN_BARE_WORD = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** One word as bash would read it back, in one line whatever is in it. */
export function quoteWord(word: string): string {
  if (PLAIN_BARE_WORD.test(word)) return word;
  if (!PLAIN.test(word) && BARE_WORD.test(word)) return word;
  if (!isUnsafe(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const escaped = Array.from(word, (character) => {
    if (character === '\\' || character === "'") return `\\${character}`;
    return escapeUnsafe(character);
  });
  return `$'${escaped.join('')}'`;
}

/** A command line that can be pasted into bash. */
export function quoteCommand(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

/** Prose of others (messages, notes) for one line: what is unsafe shows as an escape. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : Array.from(text, escapeUnsafe).join('');
}

function isUnsafe(text: string): boolean {
  return !PLAIN.test(text) && UNSAFE.test(text);
}

/** A path for a table: bare when nothing in it can mislead, else quoted. */
export function quotePath(path: string): string {
  return UNSAFE.test(path) || /^\s|\s$|['"\\]|[\u{10fe80}-\u{10feff}]/u.test(path) ? quoteBytes(path) : path;
}

/** As quoteWord, with the bytes that are no UTF-8 (see shared/byte-path.ts) as bash writes them. */
function quoteBytes(path: string): string {
  const escaped = Array.from(path, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0x10fe80 && code <= 0x10feff) return `\\x${(code & 0xff).toString(16)}`;
    if (character === '\\' || character === "'") return `\\${character}`;
    return escapeUnsafe(character);
  });
  return `$'${escaped.join('')}'`;
}

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001b': '\\e' };

function escapeUnsafe(character: string): string {
  if (!UNSAFE.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  return NAMED[character] ?? (code < 0x80 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
