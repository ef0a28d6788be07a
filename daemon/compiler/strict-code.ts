// Templates to JavaScript in which every lookup, filter, call and output is checked and knows its line.
// nunjucks by itself turns a misspelt name into nothing (`{% if layer.hots %}`) and reports the line of
// some earlier call.
import { suggestion } from '../config/nearest.ts';
import { TemplateFault } from './fault.ts';
import { Compiler, type Scope, type SyntaxNode, transform } from './nunjucks-internals.ts';
import { parseTemplate } from './parse-template.ts';

/** Filters and tests that exist, so that a misspelt one is found in a branch that isn't taken too. */
export interface Vocabulary {
  filters: readonly string[];
  tests: readonly string[];
}

/** The body of a function that returns what nunjucks calls a precompiled template. Throws TemplateFault. */
export function strictCode(template: string, text: string, vocabulary: Vocabulary): string {
  const generator = new StrictCompiler(template, vocabulary);
  generator.compile(transform(parseTemplate(template, text), []));
  return generator.getCode();
}

class StrictCompiler extends Compiler {
  readonly #template: string;
  readonly #vocabulary: Vocabulary;
  /** Above 0 inside `x | default(…)` and `x is defined`, which ask whether something is there. */
  #lenient = 0;

  constructor(template: string, vocabulary: Vocabulary) {
    super(template, false);
    this.#template = template;
    this.#vocabulary = vocabulary;
  }

  compileSymbol(node: SyntaxNode, scope: Scope): void {
    const name = String(node.value);
    const local = scope.lookup(name);
    if (local !== undefined && local !== null) this._emit(local);
    else this._emit(`env.strict.name(context, frame, ${JSON.stringify(name)}, ${this.#site(node)})`);
  }

  compileLookupVal(node: SyntaxNode, scope: Scope): void {
    this._emit('env.strict.member((');
    this._compileExpression(node.target, scope);
    this._emit('),(');
    this._compileExpression(node.val, scope);
    this._emit(`), ${JSON.stringify(describe(node.target))}, ${this.#site(node)})`);
  }

  override compileOutput(node: SyntaxNode, scope: Scope): void {
    for (const child of node.children) {
      if (child.typename === 'TemplateData') {
        super.compileOutput({ ...node, children: [child] }, scope);
        continue;
      }
      this._emit(`${this.buffer} += env.strict.output((`);
      this.compile(child, scope);
      this._emitLine(`), ${JSON.stringify(describe(child))}, ${this.#site(child)});`);
    }
  }

  override compileFilter(node: SyntaxNode, scope: Scope): void {
    const name = String(node.name.value);
    this.#mustKnow('filter', name, node);
    this.#guarded(node, () => {
      if (name !== 'default' && name !== 'd') return super.compileFilter(node, scope);
      this._emit(`env.getFilter("${name}").call(context, `);
      for (const [index, child] of node.args.children.entries()) {
        if (index > 0) this._emit(', ');
        this.#compileAsked(child, scope, index === 0);
      }
      this._emit(')');
    });
  }

  override compileFunCall(node: SyntaxNode, scope: Scope): void {
    this.#guarded(node, () => super.compileFunCall(node, scope));
  }

  override compileIn(node: SyntaxNode, scope: Scope): void {
    this.#guarded(node, () => super.compileIn(node, scope));
  }

  override compileIs(node: SyntaxNode, scope: Scope): void {
    const called = node.right.name as SyntaxNode | undefined;
    const test = String(called === undefined ? node.right.value : called.value);
    this.#mustKnow('test', test, node.right);
    if (test !== 'defined' && test !== 'undefined') {
      this._emit('(');
      this.#guarded(node, () => super.compileIs(node, scope));
      this._emit(')');
      return;
    }
    this._emit('((');
    this.#compileAsked(node.left, scope, true);
    // null is what a variable without a value holds: to a template that is "not defined".
    this._emit(`) ${test === 'defined' ? '!=' : '=='} null)`);
  }

  _compileGetTemplate(node: SyntaxNode, scope: Scope, eager: boolean, ignoreMissing: boolean): string {
    const id = this._tmpid();
    this._emit('env.getTemplate(env.strict.template((');
    this._compileExpression(node.template, scope);
    this._emit(`), ${Boolean(ignoreMissing)}, ${this.#site(node)}), `);
    const tail = `${this._templateName()}, ${Boolean(ignoreMissing)}, ${this._makeCallback(id)}`;
    this._emitLine(`${Boolean(eager)}, ${tail}`);
    return id;
  }

  #compileAsked(node: SyntaxNode, scope: Scope, lenient: boolean): void {
    this.#lenient += lenient ? 1 : 0;
    this._compileExpression(node, scope);
    this.#lenient -= lenient ? 1 : 0;
  }

  #guarded(node: SyntaxNode, emitInner: () => void): void {
    this._emit(`env.strict.guard(${JSON.stringify(describe(node))}, ${this.#site(node)}, () => (`);
    emitInner();
    this._emit('))');
  }

  #mustKnow(kind: 'filter' | 'test', name: string, node: SyntaxNode): void {
    const known = kind === 'filter' ? this.#vocabulary.filters : this.#vocabulary.tests;
    if (known.includes(name)) return;
    const near = suggestion(name, known);
    const tail = near.startsWith('; did') ? near : '';
    throw new TemplateFault(this.#template, node.lineno + 1, `there is no ${kind} "${name}"${tail}`);
  }

  #site(node: SyntaxNode): string {
    return `{template: ${this._templateName()}, line: ${node.lineno + 1}, lenient: ${this.#lenient > 0}}`;
  }
}

/** The expression roughly as the template says it. */
function describe(node: SyntaxNode): string {
  switch (node.typename) {
    case 'Symbol':
    case 'Literal':
      return String(node.value);
    case 'LookupVal':
      return node.val.typename === 'Literal' && typeof node.val.value === 'string'
        ? `${describe(node.target)}.${node.val.value}`
        : `${describe(node.target)}[${describe(node.val)}]`;
    case 'Filter': {
      const [subject] = node.args.children;
      return `${subject === undefined ? '' : describe(subject)} | ${String(node.name.value)}`;
    }
    case 'FunCall':
      return `${describe(node.name)}()`;
    default:
      return 'the expression';
  }
}
