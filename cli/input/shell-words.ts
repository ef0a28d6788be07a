// Splits the lines that mean the same to every shell: words and quotes, nothing else.
// It must never guess: a line with anything that a shell would act on is the shell's.

/** Words that a shell does not look up as a program. */
const SHELL_OWN = new Set(
  (
    '! { } [[ ]] case coproc do done elif else esac fi for function if in select then time until while ' +
    '. : alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown ' +
    'enable eval exec exit export fc fg getopts hash help history jobs let local logout mapfile popd pushd read ' +
    'readarray readonly return set shift shopt source suspend times trap type typeset ulimit umask unalias ' +
    'unset wait'
  ).split(' '),
);

/** One piece of a word: bare characters, '…', "…" without what double quotes let through, or a backslash pair. */
const PIECE = /([^\s\\'"|&;<>()$`*?[\]#~={}!^%]+|[\]%^={}#~](?<=[^\s].))|'([^']*)'|"((?:[^"\\$`!]|\\[^\n])*)"|\\([^\n])/y;
const SPACE = /[ \t]+/y;

/** The words of a line that needs no shell; undefined when it does (expansions, pipes, builtins, assignments). */
export function plainWords(line: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  let word: string | undefined;
  while (at < line.length) {
    SPACE.lastIndex = at;
    if (SPACE.test(line)) {
      at = SPACE.lastIndex;
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    PIECE.lastIndex = at;
    const piece = PIECE.exec(line);
    if (piece === null) return undefined;
    const [, bare, single, double, escaped] = piece;
    if (bare !== undefined && isActive(bare, words, word)) return undefined;
    at = PIECE.lastIndex;
    word = (word ?? '') + (bare ?? single ?? unescape(double) ?? escaped ?? '');
  }
  if (word !== undefined) words.push(word);
  return words.length === 0 || SHELL_OWN.has(words[0] ?? '') ? undefined : words;
}
