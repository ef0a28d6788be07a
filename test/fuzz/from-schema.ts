// Values that nearly are what a schema asks for: the right fields with wrong things in them, a field too many, one
// too few. Right enough to come past the first check, wrong enough to meet every other.
import fc from 'fast-check';
import { z } from 'zod';
import { hostileJson, hostileNumber, hostileText, record } from './hostile.ts';

interface Shape {
  type?: string;
  enum?: readonly unknown[];
  const?: unknown;
  anyOf?: readonly Shape[];
  properties?: Readonly<Record<string, Shape>>;
  required?: readonly string[];
  items?: Shape;
  additionalProperties?: Shape | boolean;
  minimum?: number;
  maximum?: number;
}

/** Values that are right for some fields, by the field's name, or by name and type: `command:string`. */
export type Known = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/** Few enough that a request with twenty fields often has one wrong, and not always. */
const WRONG = 1;
const RIGHT = 40;

export function nearly(schema: z.ZodType, known: Known): fc.Arbitrary<unknown> {
  const { $defs = {}, ...shape } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return anyOf(resolved(shape, $defs) as Shape, known);
}

/** The same with every reference replaced by what it refers to; ours go round in no circle. */
function resolved(node: unknown, defs: Readonly<Record<string, unknown>>): unknown {
  if (Array.isArray(node)) return node.map((each) => resolved(each, defs));
  if (typeof node !== 'object' || node === null) return node;
  if ('$ref' in node) return resolved(defs[String(node.$ref).replace('#/$defs/', '')], defs);
  return Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, resolved(inner, defs)]));
}

function anyOf(shape: Shape, known: Known): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: RIGHT, arbitrary: fitting(shape, known) },
    { weight: WRONG, arbitrary: hostileJson },
  );
}

function fitting(shape: Shape, known: Known): fc.Arbitrary<unknown> {
  if (shape.const !== undefined) return fc.constant(shape.const);
  if (shape.enum !== undefined) return fc.constantFrom(...shape.enum);
  if (shape.anyOf !== undefined) return fc.oneof(...shape.anyOf.map((each) => anyOf(each, known)));
  switch (shape.type) {
    case 'object':
      return objectOf(shape, known);
    case 'array':
      return fc.array(anyOf(shape.items ?? {}, known), { maxLength: 3 });
    case 'string':
      return hostileText;
    case 'number':
    case 'integer':
      return numberOf(shape);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return hostileJson;
  }
}

function numberOf({ minimum = 0, maximum = 1000 }: Shape): fc.Arbitrary<number> {
  const [least, most] = [Math.max(minimum, -1e6), Math.min(maximum, 1e6)];
  return fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: least, max: most }) },
    { weight: 1, arbitrary: hostileNumber },
  );
}

function objectOf(shape: Shape, known: Known): fc.Arbitrary<unknown> {
  const fields = Object.entries(shape.properties ?? {}).map(([name, inner]) =>
    fieldOf(name, { inner, known, isNeeded: shape.required?.includes(name) === true }),
  );
  const more = shape.additionalProperties;
  const free: fc.Arbitrary<[string, unknown][]> =
    typeof more === 'object' && more !== null
      ? fc.array(fc.tuple(hostileText, anyOf(more, known)), { maxLength: 3 })
      : fc.constant([]);
  const surprise = sometimes(fc.tuple(hostileText, hostileJson), 1, 40);
  return fc
    .tuple(fc.tuple(...fields), free, surprise)
    .map(([named, extra, odd]) => record([...named, ...extra, odd].filter((entry) => entry !== null)));
}

function fieldOf(
  name: string,
  { inner, known, isNeeded }: { inner: Shape; known: Known; isNeeded: boolean },
): fc.Arbitrary<readonly [string, unknown] | null> {
  const right = known[`${name}:${inner.type}`] ?? known[name];
  const any = anyOf(inner, known);
  const value =
    right === undefined ? any : fc.oneof({ weight: 7, arbitrary: right }, { weight: 1, arbitrary: any });
  const field = value.map((each) => [name, each] as const);
  return isNeeded ? sometimes(field, RIGHT, WRONG) : sometimes(field, 1, 3);
}

function sometimes<T>(arbitrary: fc.Arbitrary<T>, yes: number, no: number): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: yes, arbitrary }, { weight: no, arbitrary: fc.constant(null) });
}
