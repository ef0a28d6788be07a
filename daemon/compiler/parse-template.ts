// Text of a template to its syntax tree: the layout rule for lines of tags, and parse errors with the
// line that a person would point at.
import { messageOf } from '../../shared/errors.ts';
import { TemplateFault } from './fault.ts';
import { lex, Parser, type SyntaxNode } from './nunjucks-internals.ts';

/** Regions that are text whatever they hold, and lines of nothing but tags and comments. */
const RAW = String.raw`\{%-?\s*raw\s*-?%\}[\s\S]*?\{%-?\s*endraw\s*-?%\}`;
const TAG = String.raw`\{%(?:(?!%\})[\s\S])*%\}|\{#(?:(?!#\})[\s\S])*#\}`;
const TAG_LINE = new RegExp(String.raw`${RAW}|^[ \t]*((?:(?:${TAG})[ \t]*)+)\r?\n`, 'gm');

/** What puts text where it stands: such a line has something to leave. */
const OUTPUT = /\{%-?\s*(?:include\b|block\b[\s\S]*\{%-?\s*endblock\b)/;

/**
 * Lines of tags alone leave nothing behind, so that templates can be laid out for their readers; the
 * engine's own option for that also joins `exec a{% if b %} c{% endif %}` with the line after it. The
 * newline is moved into the last tag, so that every line keeps its number. The newline that ends the
 * file goes, so that an included text ends where the line that includes it ends.
 */
function withoutTagLines(text: string): string {
  return text.replace(/\n$/, '').replace(TAG_LINE, (match: string, tags: string | undefined) => {
    if (tags === undefined || OUTPUT.test(tags)) return match;
    return tags.trimEnd().replace(/-?[%#]\}$/, (end) => `\n${end}`);
  });
}

/** The syntax tree. Throws TemplateFault with the line of what can't be read. */
export function parseTemplate(template: string, text: string): SyntaxNode {
  const tokens = lex(withoutTagLines(text), {});
  try {
    return new Parser(tokens).parseAsRoot();
  } catch (error) {
    const message = messageOf(error).replace(/^\(unknown path\)[^\n]*\n\s*/, '');
    throw new TemplateFault(template, parseErrorLine(error, { text, tokensLine: tokens.lineno }), message);
  }
}

function parseErrorLine(error: unknown, at: { text: string; tokensLine: number }): number {
  const unclosed = messageOf(error).includes('end of comment, got end of file');
  if (unclosed) return at.text.slice(0, at.text.lastIndexOf('{#')).split('\n').length;
  const known = error instanceof Error && 'lineno' in error ? Number(error.lineno) : Number.NaN;
  // What is missing at the end is reported behind the last newline, on a line that nobody can see.
  return Math.min(known > 0 ? known : at.tokensLine + 1, at.text.trimEnd().split('\n').length);
}
