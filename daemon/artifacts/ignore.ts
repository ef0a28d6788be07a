// Ignore patterns, with the meaning that .gitignore gives them: a pattern without a slash is a name at any
// depth, one with a slash is a path from the top, a trailing slash means directories only, `**` is any
// number of folders. No `!`. Matching takes time linear in name × pattern, whatever the pattern.

import { QwexError } from '../../shared/errors.ts';

type Token = '*' | ((character: string) => boolean);
type Segment = '**' | Token[];

interface Pattern {
  segments: Segment[];
  directoriesOnly: boolean;
  /** Of the entry alone, at any depth. */
  isName: boolean;
}

export class IgnorePatterns {
  readonly #patterns: Pattern[];
  readonly #isByPath: boolean;

  /** Throws invalid_config for a negated pattern. Empty ones are left out. */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.filter((pattern) => pattern.replaceAll('/', '') !== '').map(parsePattern);
    this.#isByPath = this.#patterns.some((pattern) => !pattern.isName);
  }

  /** `path` is relative to the space, posix. Parents are not looked at: a walk doesn't enter what it ignores. */
  matches(path: string, isDirectory: boolean): boolean {
    if (this.#patterns.length === 0) return false;
    const name = [Array.from(path.slice(path.lastIndexOf('/') + 1))];
    const parts = this.#isByPath ? path.split('/').map((part) => Array.from(part)) : name;
    return this.#patterns.some(
      ({ segments, directoriesOnly, isName }) =>
        (isDirectory || !directoriesOnly) && matchPath(segments, isName ? name : parts),
    );
  }

  /** The same for `path` and every folder above it. */
  matchesBelow(path: string): boolean {
    const parts = path.split('/');
    return parts.some((_, index) => this.matches(parts.slice(0, index + 1).join('/'), true));
  }
}

function parsePattern(pattern: string): Pattern {
  if (pattern.startsWith('!')) {
    throw new QwexError({
      code: 'invalid_config',
      message: `The ignore pattern ${JSON.stringify(pattern)} is negated, which is not supported.`,
      hint: 'Write patterns for what is to be left out; a literal ! is \\!.',
    });
  }
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
  const segments = parts.map((part): Segment => (part === '**' ? '**' : parseSegment(part)));
  const isName = parts.length === 1 && !pattern.startsWith('/');
  return { segments, directoriesOnly: pattern.endsWith('/'), isName };
}

function parseSegment(text: string): Token[] {
  const tokens: Token[] = [];
  const characters = Array.from(text);
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? '';
    const close = character === '[' ? characters.indexOf(']', at + 2) : -1;
    if (character === '*') tokens.push('*');
    else if (character === '?') tokens.push(() => true);
    else if (close !== -1) {
      tokens.push(parseClass(characters.slice(at + 1, close)));
      at = close;
    } else {
      const literal = character === '\\' && at + 1 < characters.length ? characters[++at] : character;
      tokens.push((other) => other === literal);
    }
  }
  return tokens;
}

function parseClass(members: string[]): (character: string) => boolean {
  const negated = members[0] === '!' || members[0] === '^';
  const tests: Array<(character: string) => boolean> = [];
  for (let at = negated ? 1 : 0; at < members.length; at++) {
    const first = members[at] ?? '';
    const last = members[at + 1] === '-' ? members[at + 2] : undefined;
    if (last !== undefined) at += 2;
    tests.push((character) => character >= first && character <= (last ?? first));
  }
  return (character) => tests.some((test) => test(character)) !== negated;
}

/** Wildcard matching with one point of return, the last star: never more than length × length steps. */
function matchSequence<P, V>(
  pattern: readonly P[],
  values: readonly V[],
  match: { isStar: (part: P) => boolean; one: (part: P, value: V) => boolean },
): boolean {
  let [p, v, star, resume] = [0, 0, -1, 0];
  while (v < values.length) {
    const part = pattern[p];
    if (part !== undefined && match.isStar(part)) [star, resume, p] = [p, v, p + 1];
    else if (part !== undefined && match.one(part, values[v] as V)) [p, v] = [p + 1, v + 1];
    else if (star !== -1) [p, v] = [star + 1, ++resume];
    else return false;
  }
  return pattern.slice(p).every(match.isStar);
}

function matchPath(segments: Segment[], parts: string[][]): boolean {
  return matchSequence(segments, parts, {
    isStar: (segment) => segment === '**',
    one: (segment, part) => segment !== '**' && matchName(segment, part),
  });
}

function matchName(tokens: Token[], characters: string[]): boolean {
  return matchSequence(tokens, characters, {
    isStar: (token) => token === '*',
    one: (token, character) => token !== '*' && token(character),
  });
}
