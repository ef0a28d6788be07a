// The comment at the top of a template that says what it takes and what it promises:
//   {# qwex
//   description: …
//   variables: { host: { required: true } }
//   #}
import { z } from 'zod';
import type { Value } from '../../shared/config.ts';
import { formatPath, type Problem } from '../config/problems.ts';
import type { SourceFile } from '../config/source-file.ts';
import { validate } from '../config/validate.ts';
import { parseYaml } from '../config/yaml-file.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: 'must be a text, a number or true/false',
});

const variableSchema = z.strictObject({
  /** Without one, any scalar. */
  type: z.enum(['text', 'number', 'boolean', 'list', 'map']).optional(),
  /** What `layer.<name>` holds when the config gives nothing; without one it is none. */
  default: z.json().optional(),
  required: z.boolean().default(false),
  choices: z.array(scalar).min(1).optional(),
  help: z.string().default(''),
});

const headSchema = z.strictObject({
  description: z.string().default(''),
  /**
   * true: run again after its own death it finds what it started. inherit: it keeps nothing of its own
   * and becomes what it wraps, so it is as resumable as that.
   */
  resumable: z
    .union([z.boolean(), z.literal('inherit')], { error: 'must be true, false or inherit' })
    .default(false),
  /** Programs that must be on the PATH where the layer runs. */
  needs: z.array(z.string().min(1)).default([]),
  variables: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be letters, digits and "_"' }),
      variableSchema,
    )
    .optional(),
});

export type TemplateVariable = z.output<typeof variableSchema>;
/** `variables` is absent when the template declares none: then its layer takes any value. */
export type TemplateHead = z.output<typeof headSchema>;

const START = /^\{#-?[ \t]*qwex\b/;
const HEAD = /^\{#-?[ \t]*qwex[ \t]*\r?\n([\s\S]*?)-?#\}/;

/** The head of a template, all defaults when it has none. */
export function parseHead(source: SourceFile): { head: TemplateHead; problems: Problem[] } {
  const none = headSchema.parse({});
  if (!START.test(source.text)) return { head: none, problems: [] };
  const body = HEAD.exec(source.text)?.[1];
  if (body === undefined) {
    const message = 'the head must start with a line "{# qwex" of its own and end with "#}"';
    return { head: none, problems: [{ file: source.path, line: 1, message }] };
  }
  const { yaml, problems } = parseYaml({ path: source.path, text: body }, { firstLine: 2 });
  if (problems.length > 0) return { head: none, problems };
  const checked = validate(headSchema, { ...yaml, value: withEmptyVariables(yaml.value ?? {}) });
  if (!checked.ok) return { head: none, problems: checked.problems };
  return {
    head: checked.value,
    problems: Object.entries(checked.value.variables ?? {}).flatMap(([name, variable]) =>
      contradictions(name, variable).map((message) => ({
        file: source.path,
        line: yaml.lineOf(['variables', name]),
        message: `${formatPath(['variables', name])} ${message}`,
      })),
    ),
  };
}

/** Why `value` doesn't fit `variable`, in words that follow its name; null when it does. */
export function valueFault(variable: TemplateVariable, value: Value): string | null {
  const kind = kindOf(value);
  if (variable.type === undefined) {
    if (kind === 'list' || kind === 'map') return `must be a single value, not a ${kind}`;
  } else if (kind !== variable.type && !(variable.type === 'text' && kind === 'number')) {
    return `must be ${TYPE_WORDS[variable.type]}, not ${kind === 'list' || kind === 'map' ? `a ${kind}` : JSON.stringify(value)}`;
  }
  if (variable.choices === undefined || variable.choices.some((choice) => choice === value)) return null;
  return `must be ${variable.choices.map((choice) => JSON.stringify(choice)).join(' or ')}, not ${JSON.stringify(value)}`;
}

const TYPE_WORDS = {
  text: 'a text',
  number: 'a number',
  boolean: 'true or false',
  list: 'a list',
  map: 'a map of keys and values',
} as const;

function kindOf(value: Value): keyof typeof TYPE_WORDS | 'nothing' {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'object') return 'map';
  return typeof value === 'string' ? 'text' : typeof value === 'number' ? 'number' : 'boolean';
}

function contradictions(name: string, variable: TemplateVariable): string[] {
  const found: string[] = [];
  if (name === 'template' || name === 'type')
    found.push("can't be a variable: in a config it names the template");
  if (variable.default === undefined) return found;
  if (variable.required) found.push('is required, so its default would never be used');
  const fault = valueFault(variable, variable.default);
  if (fault !== null) found.push(`has a default that doesn't fit: it ${fault}`);
  return found;
}

/** `conda:` with nothing after it declares a variable of which there is nothing more to say. */
function withEmptyVariables(head: unknown): unknown {
  if (typeof head !== 'object' || head === null || !('variables' in head)) return head;
  const { variables } = head;
  if (typeof variables !== 'object' || variables === null || Array.isArray(variables)) return head;
  const filled = Object.entries(variables).map(([name, variable]) => [name, variable ?? {}]);
  return { ...head, variables: Object.fromEntries(filled) };
}
