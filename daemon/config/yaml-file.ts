// YAML whose values can be traced back to their lines.
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import type { KeyPath, Problem } from './problems.ts';
import type { SourceFile } from './source-file.ts';

export interface YamlFile {
  file: string;
  /** Plain data; null for an empty file. */
  value: unknown;
  /** The line of the key or list item at `path`, or of the nearest thing above it that exists. */
  lineOf(path: KeyPath): number | null;
}

/** Far deeper than any config, and far from where recursion over it would end the stack. */
const MOST_LEVELS = 100;

/**
 * Parses one document. Syntax errors, double keys, numbers that would not survive as written, and what is larger than
 * it looks (aliases of aliases, endless nesting) come back as problems. `firstLine` is the line of the text's first
 * line in the file that it was cut from.
 */
export function parseYaml(
  source: SourceFile,
  { firstLine = 1 }: { firstLine?: number } = {},
): { yaml: YamlFile; problems: Problem[] } {
  const counter = new LineCounter();
  const lineAt = (offset: number): number => counter.linePos(offset).line + firstLine - 1;
  try {
    // Its own search for double keys compares each with each.
    const document = parseDocument(source.text, {
      lineCounter: counter,
      prettyErrors: false,
      uniqueKeys: false,
    });
    const problems: Problem[] = document.errors.map((error) => ({
      file: source.path,
      line: lineAt(error.pos[0]),
      message: error.message,
    }));
    if (problems.length === 0) problems.push(...doubleKeys(document, source.path, lineAt));
    if (problems.length === 0) problems.push(...changedNumbers(document, source.path, lineAt));
    const value: unknown = problems.length === 0 ? document.toJS() : null;
    assertLevels(value);
    return {
      yaml: { file: source.path, value, lineOf: (path) => lineOf(document, path, lineAt) },
      problems,
    };
  } catch (error) {
    const problem = { file: source.path, line: null, message: sizeFault(error) };
    return { yaml: { file: source.path, value: null, lineOf: () => null }, problems: [problem] };
  }
}

/** Why a text that looks like YAML can't be made into data. Throws what isn't about that. */
function sizeFault(error: unknown): string {
  // A parser that goes down into a text for every bracket runs out of stack; nothing was changed by then.
  if (error instanceof RangeError) return `is nested more than ${MOST_LEVELS} levels deep`;
  if (error instanceof ReferenceError) return `has aliases that can't be followed: ${error.message}`;
  throw error;
}

/** An alias that refers to what it is in has no end. */
function assertLevels(value: unknown, level = 0): void {
  if (typeof value !== 'object' || value === null) return;
  if (level > MOST_LEVELS) throw new RangeError('too deep');
  for (const inner of Object.values(value)) assertLevels(inner, level + 1);
}

function doubleKeys(document: Document.Parsed, file: string, lineAt: (offset: number) => number): Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Map(_key, { items }) {
      const seen = new Set<string>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const text = String(key.value);
        if (seen.has(text))
          problems.push({
            file,
            line: key.range ? lineAt(key.range[0]) : null,
            message: `the key ${JSON.stringify(text)} is there twice`,
          });
        seen.add(text);
      }
    },
  });
  return problems;
}

/** `3.10` is the number 3.1 to YAML, and `010` is 10: nobody who writes a version means that. */
function changedNumbers(
  document: Document.Parsed,
  file: string,
  lineAt: (offset: number) => number,
): Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value !== 'number' || node.source === undefined) return;
      if (String(node.value) === node.source) return;
      problems.push({
        file,
        line: node.range ? lineAt(node.range[0]) : null,
        message: `${node.source} is read as the number ${node.value}; write "${node.source}" in quotes, or ${node.value}`,
      });
    },
  });
  return problems;
}

function lineOf(document: Document.Parsed, path: KeyPath, lineAt: (offset: number) => number): number | null {
  let node: unknown = document.contents;
  let line: number | null = null;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    const found = childOf(node, part);
    if (found === null) break;
    node = found.value;
    if (found.offset !== null) line = lineAt(found.offset);
  }
  return line;
}

function childOf(node: unknown, part: string | number): { offset: number | null; value: unknown } | null {
  if (isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
    if (pair === undefined || !isScalar(pair.key)) return null;
    return { offset: pair.key.range?.[0] ?? null, value: pair.value };
  }
  if (isSeq(node) && typeof part === 'number') {
    const item = node.items[part] as Node | undefined;
    return item === undefined ? null : { offset: item.range?.[0] ?? null, value: item };
  }
  return null;
}
