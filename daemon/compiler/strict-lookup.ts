// What the checked code calls while it renders: lookups that refuse instead of answering "undefined",
// and that reach data only (nothing inherited, so no constructor and no way out of the template).
import { messageOf } from '../../shared/errors.ts';
import { suggestion } from '../config/nearest.ts';
import { TemplateFault } from './fault.ts';

/** Of one value that is put into a script. */
const MOST_CHARACTERS = 1024 * 1024;

/** Methods that make as much as they are told to. */
const SIZED: ReadonlySet<string> = new Set(['repeat', 'padStart', 'padEnd']);

interface Site {
  template: string;
  line: number;
  /** Answer undefined instead of refusing. */
  lenient: boolean;
}

interface Frame {
  lookup(name: string): unknown;
}

interface Context {
  getVariables(): Record<string, unknown>;
}

export class StrictLookup {
  /** Names of the context that were read: a layer that never reads `inner` loses the command. */
  readonly used = new Set<string>();
  readonly #globals: Record<string, unknown>;
  readonly #templates: readonly string[];

  constructor(globals: Record<string, unknown>, templates: readonly string[]) {
    this.#globals = globals;
    this.#templates = templates;
  }

  name(context: Context, frame: Frame, name: string, site: Site): unknown {
    this.used.add(name);
    const local = frame.lookup(name);
    if (local !== undefined) return local;
    for (const place of [context.getVariables(), this.#globals]) {
      if (Object.hasOwn(place, name) && place[name] !== undefined) return place[name];
    }
    if (site.lenient) return undefined;
    const known = [...Object.keys(context.getVariables()), ...Object.keys(this.#globals)];
    throw fault(site, `nothing is called "${name}" here${suggestion(name, known)}`);
  }

  member(target: unknown, key: unknown, label: string, site: Site): unknown {
    if (target === undefined || target === null) {
      if (site.lenient) return undefined;
      throw fault(site, `${label} has no value, so it has no "${String(key)}"`);
    }
    if (typeof target === 'string' || Array.isArray(target))
      return memberOfSequence(target, key, label, site);
    if (typeof target === 'object' && Object.hasOwn(target, String(key))) {
      return (target as Record<string, unknown>)[String(key)];
    }
    if (site.lenient) return undefined;
    const known = typeof target === 'object' ? Object.keys(target) : [];
    throw fault(site, `${label} has no "${String(key)}"${suggestion(String(key), known)}`);
  }

  output(value: unknown, label: string, site: Site): string {
    if (value === undefined || value === null) {
      throw fault(site, `${label} has no value; ask with {% if ${label} %} first, or give it a default`);
    }
    if (typeof value === 'function') throw fault(site, `${label} is a function; call it`);
    if (Array.isArray(value))
      throw fault(site, `${label} is a list; loop over it, or use the filter "words"`);
    // What macros and some filters return is a String object, not a string.
    if (typeof value === 'object' && !(value instanceof String))
      throw fault(site, `${label} is a map; name one of its keys`);
    const text = String(value);
    if (text.length > MOST_CHARACTERS)
      throw fault(site, `${label} is longer than ${MOST_CHARACTERS} characters`);
    return text;
  }

  template(name: unknown, ignoreMissing: boolean, site: Site): unknown {
    if (ignoreMissing || (typeof name === 'string' && this.#templates.includes(name))) return name;
    throw fault(site, `there is no template "${String(name)}"${suggestion(String(name), this.#templates)}`);
  }

  guard<Result>(label: string, site: Site, evaluate: () => Result): Result {
    try {
      return evaluate();
    } catch (error) {
      if (error instanceof TemplateFault) throw error;
      throw fault(site, `${label}: ${messageOf(error)}`);
    }
  }
}

/** Strings and lists have their elements, their length and their methods (`.split(",")`, `.join(" ")`). */
function memberOfSequence(target: string | unknown[], key: unknown, label: string, site: Site): unknown {
  if (key !== '__proto__' && Object.hasOwn(Object(target), String(key))) return Object(target)[String(key)];
  const prototype: object = typeof target === 'string' ? String.prototype : Array.prototype;
  const method: unknown =
    key !== 'constructor' && Object.hasOwn(prototype, String(key))
      ? Reflect.get(prototype, String(key))
      : undefined;
  if (typeof method === 'function')
    return (...args: unknown[]): unknown => {
      if (SIZED.has(String(key)) && Number(args[0]) > MOST_CHARACTERS)
        throw fault(site, `${label}.${String(key)} makes more than ${MOST_CHARACTERS} characters`);
      return Reflect.apply(method, target, args);
    };
  if (site.lenient) return undefined;
  throw fault(site, `${label} has no "${String(key)}"`);
}

function fault(site: Site, message: string): TemplateFault {
  return new TemplateFault(site.template, site.line, message);
}
