// Reads files of KEY=VALUE lines (--env-file) without running anything in them: no $-expansion, no commands.
import { QwexError } from '../../shared/errors.ts';

const ASSIGNMENT = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/s;
const DOUBLE_QUOTED = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/s;
const SINGLE_QUOTED = /^'([^']*)'\s*(?:#.*)?$/s;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** Variables of an environment file, later lines over earlier ones. Throws `usage` with file and line. */
export function parseEnvFile(text: string, file: string): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, name, value] = ASSIGNMENT.exec(line) ?? [];
    const parsed = value === undefined ? undefined : parseValue(value);
    if (name === undefined || parsed === undefined) {
      // The line may hold a secret: it is named, not shown.
      throw new QwexError({
        code: 'usage',
        message: `${file}:${index + 1}: not a KEY=VALUE line`,
        hint: 'quote values with spaces or #: KEY="a # b"; one variable a line',
        details: { file, line: index + 1 },
      });
    }
    variables[name] = parsed;
  }
  return variables;
}

/** undefined: a quote that is not closed, or text after the closing one. */
function parseValue(value: string): string | undefined {
  if (value.startsWith('"')) {
    const inner = DOUBLE_QUOTED.exec(value)?.[1];
    return inner?.replace(/\\(.)/gs, (_, character: string) => ESCAPES[character] ?? character);
  }
  if (value.startsWith("'")) return SINGLE_QUOTED.exec(value)?.[1];
  return value.replace(/(^|\s+)#.*$/s, '');
}
