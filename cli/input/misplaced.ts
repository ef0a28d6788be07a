// A qwex option behind the command's first word belongs to the command. People put them there by mistake.
import { quoteCommand } from '../view/quote.ts';

export interface LongOption {
  /** With its dashes. */
  long: string;
  takesValue: boolean;
}

/** One sentence for each word of a command that is also an option of ours; empty for most. */
export function misplacedOptions(words: readonly string[], options: readonly LongOption[]): string[] {
  return words.flatMap((word, index) => {
    if (index === 0) return [];
    const [name = '', inline] = word.split('=', 2);
    const option = options.find(({ long }) => long === name);
    if (option === undefined) return [];
    const value = option.takesValue && inline === undefined ? words[index + 1] : undefined;
    const given = value === undefined ? [word] : [word, value];
    const rest = [...words.slice(0, index), ...words.slice(index + given.length)];
    const shown = quoteCommand(given);
    return [
      `${shown} was given to the command; if qwex shall have it, put it before: ` +
        `qwex run ${shown} -- ${quoteCommand(rest)}`,
    ];
  });
}
