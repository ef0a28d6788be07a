// Splits the lines that mean the same to every shell: words and quotes, nothing else.
// It must never guess: a line with anything that a shell would act on is left to the shell.

/** Words in the place of a program's name that bash doesn't look up as a program. */
const SHELL_OWN: ReadonlySet<string> = new Set(
  (
    'case coproc do done elif else esac fi for function if in select then time until while ' +
    '. : alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown ' +
    'enable eval exec exit export fc fg getopts hash help history jobs let local logout mapfile popd pushd read ' +
    'readarray readonly return set shift shopt source suspend times trap type typeset ulimit umask unalias ' +
    'unset wait'
  ).split(' '),
);

/** Bare characters that no shell acts on, '…', or "…" without what double quotes let through. */
const PIECE = /([\p{L}\p{N}_@%+=:,./-]+)|'([^']*)'|"([^"\\$`!]*)"/uy;
const SPACE = /[ \t]+/y;

/** The words of a line that needs no shell; undefined when it does (expansions, pipes, builtins, assignments). */
export function plainWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; ) {
    SPACE.lastIndex = at;
    if (SPACE.test(line)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      at = SPACE.lastIndex;
      continue;
    }
    PIECE.lastIndex = at;
    const piece = PIECE.exec(line);
    if (piece === null) return undefined;
    const [, bare, single, double] = piece;
    if (words.length === 0 && bare?.includes('=')) return undefined;
    word = (word ?? '') + (bare ?? single ?? double ?? '');
    at = PIECE.lastIndex;
  }
  if (word !== undefined) words.push(word);
  return words[0] === undefined || SHELL_OWN.has(words[0]) ? undefined : words;
}
