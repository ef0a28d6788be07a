// Data against a schema, with every complaint in the words of the file: key path, line, nearest key.
import { z } from 'zod';
import { suggestion } from './nearest.ts';
import { formatPath, type KeyPath, type Problem } from './problems.ts';
import type { YamlFile } from './yaml-file.ts';

type Issue = z.core.$ZodIssue;

/** The parsed value, or all that is wrong with it. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  yaml: YamlFile,
): { ok: true; value: z.output<Schema> } | { ok: false; problems: Problem[] } {
  const parsed = schema.safeParse(yaml.value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const problems = parsed.error.issues.flatMap((issue) => problemsOf(issue, schema, yaml));
  return { ok: false, problems };
}

function problemsOf(issue: Issue, schema: z.ZodType, yaml: YamlFile): Problem[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code !== 'unrecognized_keys') {
    const where = path.length === 0 ? 'the file' : formatPath(path);
    return [{ file: yaml.file, line: yaml.lineOf(path), message: `${where} ${wordsFor(issue, yaml.value)}` }];
  }
  const known = knownKeys(schema, path);
  const under = path.length === 0 ? '' : ` under ${formatPath(path)}`;
  return issue.keys.map((key) => ({
    file: yaml.file,
    line: yaml.lineOf([...path, key]),
    message: `unknown key "${key}"${under}${suggestion(key, known)}`,
  }));
}

function wordsFor(issue: Issue, root: unknown): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  const value = valueAt(root, issue.path);
  if (issue.code === 'invalid_value') {
    const choices = issue.values.map((choice) => JSON.stringify(choice)).join(' or ');
    const near = typeof value === 'string' ? suggestion(value, issue.values.map(String)) : '';
    const tail = near.startsWith('; did') ? near : '';
    return value === undefined
      ? `is missing; it must be ${choices}`
      : `must be ${choices}, not ${show(value)}${tail}`;
  }
  if (value === undefined) return 'is missing';
  if (issue.message.startsWith('must be')) return `${issue.message}, not ${show(value)}`;
  if (issue.code === 'invalid_type')
    return `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}, not ${show(value)}`;
  if (issue.code === 'too_small') return `must be ${issue.minimum} or more, not ${show(value)}`;
  if (issue.code === 'too_big') return `must be ${issue.maximum} or less, not ${show(value)}`;
  return issue.message;
}

const TYPE_WORDS: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
  record: 'a map of keys and values',
};

function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  return JSON.stringify(value);
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

type JsonSchema = {
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
};

/** Keys that the schema knows under `path`. Only asked for when something is wrong already. */
function knownKeys(schema: z.ZodType, path: KeyPath): string[] {
  let place = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema | undefined;
  for (const part of path) {
    if (place === undefined) return [];
    const more = typeof place.additionalProperties === 'object' ? place.additionalProperties : undefined;
    place = typeof part === 'number' ? place.items : (place.properties?.[part] ?? more);
  }
  return Object.keys(place?.properties ?? {});
}
