// One template and its data to text. Sees no file system and no clock: the templates are the ones it
// is given, the data is frozen, and what would differ between two renderings is taken out.
import nunjucks from 'nunjucks';
import { messageOf } from '../../shared/errors.ts';
import { TemplateFault } from './fault.ts';
import { quotePath, quoteWord } from './quote.ts';
import { strictCode, type Vocabulary } from './strict-code.ts';
import { StrictLookup } from './strict-lookup.ts';
import type { TemplateSet } from './templates.ts';
import { within } from './time-limit.ts';

export interface Rendered {
  /** Without newlines at either end. */
  text: string;
  /** Names of the templates that took part, included ones too. */
  templates: string[];
  /** Names of the context that were read. */
  used: ReadonlySet<string>;
}

/** A template takes a millisecond; one that takes this long goes round for ever. */
const MOST_MS = 1000;
/** Of one text that is made in a template, and of a list of numbers. */
const MOST_CHARACTERS = 1024 * 1024;
const MOST_NUMBERS = 100_000;

/** Renders `name`. Throws TemplateFault with template and line, whatever goes wrong inside. */
export function render(templates: TemplateSet, name: string, context: Record<string, unknown>): Rendered {
  const taken = new Set<string>();
  const environment = new nunjucks.Environment([], { autoescape: false, dev: true });
  const vocabulary = speak(environment);
  const loader = {
    getSource(wanted: string) {
      const template = templates.get(wanted);
      if (template === undefined) return null;
      taken.add(wanted);
      // Compiled code instead of text, as nunjucks takes from its own precompiler.
      const make = new Function(strictCode(wanted, template.text, vocabulary)) as () => object;
      return { src: { type: 'code', obj: make() }, path: wanted, noCache: false };
    },
  };
  const strict = new StrictLookup(globalsOf(environment), [...templates.keys()]);
  Object.assign(environment, { strict, loaders: [Object.assign(loader, { cache: Object.create(null) })] });
  try {
    const data = frozen(context);
    const text = within(
      MOST_MS,
      () => environment.render(name, data),
      () => tooLong(name),
    );
    return { text: text.replace(/^\n+|\n+$/g, ''), templates: [...taken], used: strict.used };
  } catch (error) {
    throw faultIn(error, name);
  }
}

/** Adds qwex's filters, takes out the one that rolls dice, and says what there is. */
function speak(environment: nunjucks.Environment): Vocabulary {
  environment.addFilter('quote', (value: unknown) => quoteWord(scalarText(value)));
  environment.addFilter('path', (value: unknown) => quotePath(scalarText(value)));
  // In a layer null is "no value", which nunjucks' own filter would take for a value.
  const orElse = (value: unknown, other: unknown, orFalsy?: boolean): unknown =>
    orFalsy ? value || other : (value ?? other);
  for (const name of ['default', 'd']) environment.addFilter(name, orElse);
  environment.addFilter('variable', (value: unknown) => variableName(scalarText(value)));
  environment.addFilter('words', (value: unknown) => {
    if (!Array.isArray(value)) throw new Error('this takes a list; use "quote" for a single value');
    return value.map((word) => quoteWord(scalarText(word))).join(' ');
  });
  const { filters, tests } = environment as unknown as Record<'filters' | 'tests', Record<string, unknown>>;
  delete filters.random;
  boundSizes(environment);
  return { filters: Object.keys(filters), tests: Object.keys(tests) };
}

/** Numbers in a template are sizes of texts and lists: a few digits must not fill the memory. */
function boundSizes(environment: nunjucks.Environment): void {
  for (const name of ['center', 'indent']) {
    const filter = environment.getFilter(name);
    environment.addFilter(name, (value: unknown, width?: unknown, ...rest: unknown[]) => {
      if (Number(width) > MOST_CHARACTERS)
        throw new Error(`the width ${String(width)} is more than a text may have`);
      return filter(value, width, ...rest);
    });
  }
  const range = environment.getGlobal('range');
  environment.addGlobal('range', (...bounds: number[]) => {
    const [first = 0, second] = bounds;
    const [start, stop] = second === undefined ? [0, first] : [first, second];
    if (Math.abs((stop - start) / (bounds[2] || 1)) > MOST_NUMBERS)
      throw new Error(`a range has more than ${MOST_NUMBERS} numbers`);
    return range(...bounds);
  });
}

function tooLong(template: string): TemplateFault {
  return new TemplateFault(template, null, `takes longer than ${MOST_MS / 1000} second: it may loop too far`);
}

/** What stands left of `=` can't be quoted, so it is checked instead. */
function variableName(text: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) return text;
  throw new Error(`${JSON.stringify(text)} is not the name of an environment variable`);
}

function globalsOf(environment: nunjucks.Environment): Record<string, unknown> {
  return (environment as unknown as { globals: Record<string, unknown> }).globals;
}

function scalarText(value: unknown): string {
  if (value === null || value === undefined) throw new Error('there is no value; ask with {% if … %} first');
  if (Array.isArray(value))
    throw new Error('a list is several words; use the filter "words", or loop over it');
  if (typeof value === 'object' && !(value instanceof String)) throw new Error('a map has no single text');
  if (typeof value === 'function') throw new Error('a function has no text');
  return String(value);
}

/** A copy that a template can't change: `layer.list.push(…)` in one layer would reach the next. */
function frozen<Data>(data: Data): Data {
  const copy = structuredClone(data);
  const freeze = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    Object.values(value).forEach(freeze);
    Object.freeze(value);
  };
  freeze(copy);
  return copy;
}

/** nunjucks wraps what is thrown inside it, once for each template on the way. */
function faultIn(error: unknown, template: string): TemplateFault {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof TemplateFault) return cause;
    if (cause instanceof RangeError) {
      return new TemplateFault(
        template,
        null,
        `templates include one another without an end, or loop too far: ${cause.message}`,
      );
    }
  }
  const message = messageOf(error)
    .replace(/^(?:\([^\n]*\)[^\n]*\n\s*)+/, '')
    .replace(/^Error: /, '');
  const line = error instanceof Error && 'lineno' in error ? Number(error.lineno) : Number.NaN;
  return new TemplateFault(template, line >= 0 ? line + 1 : null, message);
}
