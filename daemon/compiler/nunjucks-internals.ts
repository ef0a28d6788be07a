// The parts of nunjucks that its type package doesn't describe. Strictness and exact lines need its
// compiler to emit checked lookups; nunjucks offers no option for either.
import nunjucks from 'nunjucks';
import transformer from 'nunjucks/src/transformer.js';

export interface SyntaxNode {
  typename: string;
  lineno: number;
  colno: number;
  children: SyntaxNode[];
  args: SyntaxNode;
  value: unknown;
  target: SyntaxNode;
  val: SyntaxNode;
  name: SyntaxNode;
  left: SyntaxNode;
  right: SyntaxNode;
  template: SyntaxNode;
}

/** Names that the compiler has bound to JavaScript variables. */
export interface Scope {
  lookup(name: string): string | undefined;
}

export interface CodeGenerator {
  buffer: string;
  compile(node: SyntaxNode, scope?: Scope): void;
  compileOutput(node: SyntaxNode, scope: Scope): void;
  compileFilter(node: SyntaxNode, scope: Scope): void;
  compileFunCall(node: SyntaxNode, scope: Scope): void;
  compileIn(node: SyntaxNode, scope: Scope): void;
  compileIs(node: SyntaxNode, scope: Scope): void;
  getCode(): string;
  _emit(code: string): void;
  _emitLine(code: string): void;
  _compileExpression(node: SyntaxNode, scope: Scope): void;
  _tmpid(): string;
  _templateName(): string;
  _makeCallback(result: string): string;
}

interface Internals {
  compiler: { Compiler: new (templateName: string, throwOnUndefined: boolean) => CodeGenerator };
  parser: { Parser: new (tokens: Tokens) => { parseAsRoot(): SyntaxNode } };
  lexer: { lex(text: string, options: object): Tokens };
}

interface Tokens {
  /** From 0, where the reader stands. */
  lineno: number;
}

const internals = nunjucks as unknown as Internals;
export const { Compiler } = internals.compiler;
export const { Parser } = internals.parser;
export const { lex } = internals.lexer;
export const transform = (transformer as { transform(tree: SyntaxNode, asyncFilters: string[]): SyntaxNode })
  .transform;
