// Requests to every route, as bytes: the right method or another, ids and queries of any kind, bodies that nearly fit.
import fc from 'fast-check';
import type { z } from 'zod';
import { API, fillPath, LOCAL_API, type Route } from '../../shared/api.ts';
import { boxDrainRequestSchema } from '../../shared/box.ts';
import * as local from '../../shared/schemas/local.ts';
import { submitRunSchema } from '../../shared/schemas/run.ts';
import { type Known, nearly } from './from-schema.ts';
import { hostileJson, hostileText } from './hostile.ts';

export interface Target {
  /** Ids and names of runs that are there. */
  runs: readonly string[];
  /** Artifacts that are there. */
  artifacts: readonly string[];
  /** A repository that may be written to. */
  root: string;
  sha: string;
  /** A folder for whatever shall be made. */
  folder: string;
}

export interface HttpRequest {
  method: string;
  path: string;
  headers: readonly (readonly [string, string])[];
  body: Buffer | null;
}

type Row = keyof typeof API | keyof typeof LOCAL_API;

const ROWS: Readonly<Record<string, Route>> = { ...API, ...LOCAL_API };

const BODIES: Partial<Record<Row, z.ZodType>> = {
  submit: submitRunSchema,
  submitLocal: local.localSubmitSchema,
  rerun: local.rerunRequestSchema,
  checkout: local.checkoutRequestSchema,
  compile: local.compileRequestSchema,
  init: local.initRequestSchema,
  add: local.addRequestSchema,
  setConfig: local.setConfigRequestSchema,
  stop: local.stopRequestSchema,
  gc: local.gcRequestSchema,
  boxDrain: boxDrainRequestSchema,
};

const HEADERS = [
  ...[
    'idempotency-key',
    'accept',
    'qwex-version',
    'authorization',
    'x-forwarded-for',
    'cookie',
    'origin',
    'range',
  ],
  ...['if-none-match', 'accept-encoding', 'expect', 'referer', 'te', '__proto__', 'x-http-method-override'],
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'];
const QUERIES: Partial<Record<Row, readonly string[]>> = {
  list: ['status', 'workspace', 'name', 'since', 'limit', 'cursor'],
  logs: ['stream', 'offset', 'limit', 'tail'],
  wait: ['timeout'],
  download: ['expires', 'signature'],
  watch: ['stdout', 'stderr', 'tail'],
  events: ['since'],
  diff: ['a', 'b'],
  templates: ['cwd'],
  doctor: ['cwd'],
  boxReport: ['sinceMs'],
};
const RIGHT_VALUES = [
  '0',
  '1',
  '8640000000000000',
  'stdout',
  'failed',
  '2026-01-01T00:00:00Z',
  'djE6MQ',
  'ab12',
];

export function requestsTo(target: Target): fc.Arbitrary<HttpRequest> {
  const names = [...Object.keys(ROWS), ...Object.keys(BODIES), 'submit', 'submitLocal'];
  return fc.constantFrom(...names).chain((name) => requestTo(name as Row, target));
}

export function serialize({ method, path, headers, body }: HttpRequest): Buffer {
  const length = body === null ? [] : [`content-length: ${body.length}`];
  const fields = headers.map(([name, value]) => `${name}: ${value}`);
  const head = [`${method} ${path} HTTP/1.1`, 'host: x', ...length, ...fields];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'utf8'), body ?? Buffer.alloc(0)]);
}

function requestTo(name: Row, target: Target): fc.Arbitrary<HttpRequest> {
  const row = ROWS[name] as Route;
  const right = row.method.toUpperCase();
  const method = fc.oneof(
    { weight: 12, arbitrary: fc.constant(right) },
    { weight: 1, arbitrary: fc.constantFrom(...METHODS) },
  );
  const path = fc
    .record({ id: idOf(target), name: nameOf(target), device: hostileText, query: queryOf(name, target) })
    .map(({ query, ...params }) => `${fillPath(row, wellFormed(params))}${query === '?' ? '' : query}`);
  return fc
    .record({ method, path, headers: headersOf(), body: bodyOf(name, target) })
    .filter((request) => !stops(request));
}

/** A request that would stop the daemon rightly proves nothing. */
function stops({ path, body }: HttpRequest): boolean {
  if (!path.startsWith(LOCAL_API.stop.path)) return false;
  // An empty body is an empty object.
  if (body === null || body.length === 0) return true;
  try {
    return local.stopRequestSchema.safeParse(JSON.parse(body.toString('utf8'))).success;
  } catch {
    return true; // who knows what a daemon makes of a mark or a blank
  }
}

function idOf({ runs }: Target): fc.Arbitrary<string> {
  const known = fc.constantFrom(...runs);
  const part = fc.tuple(known, fc.nat(36)).map(([id, at]) => id.slice(at));
  return fc.oneof(
    { weight: 3, arbitrary: known },
    { weight: 1, arbitrary: part },
    { weight: 3, arbitrary: hostileText },
  );
}

function nameOf({ artifacts }: Target): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom(...artifacts),
    hostileText,
    fc.tuple(hostileText, hostileText).map((two) => two.join('/')),
  );
}

function queryOf(name: Row, { runs, root }: Target): fc.Arbitrary<string> {
  const known = fc.constantFrom(...runs, root, `${root}/a\0b`, ...RIGHT_VALUES);
  const key = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...(QUERIES[name] ?? ['x'])) },
    { weight: 1, arbitrary: hostileText },
  );
  const pair = fc.tuple(key, fc.oneof(known, hostileText)).map(([field, text]) => {
    // A wait that is meant to take long is not what is looked for here.
    const value = field === 'timeout' && Number(text) > 0 ? '0' : text;
    return `${encodeURIComponent(field.toWellFormed())}=${encodeURIComponent(value.toWellFormed())}`;
  });
  const first = name === 'wait' ? ['timeout=0'] : [];
  return fc.array(pair, { maxLength: 3 }).map((pairs) => `?${[...first, ...pairs].join('&')}`);
}

function headersOf(): fc.Arbitrary<[string, string][]> {
  const name = fc.constantFrom(...HEADERS);
  // What a header can't hold is for the tests of broken requests.
  const value = hostileText.map((text) =>
    text
      .toWellFormed()
      .replaceAll(/\p{Cc}/gu, '')
      .trim()
      .slice(0, 1000),
  );
  const type = fc.constantFrom(
    'application/json',
    'application/json; charset=latin1',
    'text/plain',
    'multipart/form-data',
  );
  return fc.oneof(
    { weight: 8, arbitrary: fc.constant<[string, string][]>([['content-type', 'application/json']]) },
    {
      weight: 2,
      arbitrary: fc
        .array(fc.tuple(name, value), { maxLength: 3 })
        .map((some) => [...some, ['content-type', 'application/json'] as [string, string]]),
    },
    { weight: 1, arbitrary: type.map((each): [string, string][] => [['content-type', each]]) },
    { weight: 1, arbitrary: fc.array(fc.tuple(name, value), { maxLength: 3 }) },
  );
}

function bodyOf(name: Row, target: Target): fc.Arbitrary<Buffer | null> {
  const schema = BODIES[name];
  const json = schema === undefined ? hostileJson : nearly(schema, knownOf(target));
  const text = json.map((value) => Buffer.from(JSON.stringify(value) ?? 'null', 'utf8'));
  const broken = fc.oneof(
    fc.tuple(text, fc.nat(40)).map(([bytes, cut]) => bytes.subarray(0, Math.max(0, bytes.length - cut))),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.nat(100_000).map((depth) => Buffer.from('['.repeat(depth))),
    fc.nat(100_000).map((depth) => Buffer.from(`{"env":${'{"a":'.repeat(depth)}1${'}'.repeat(depth + 1)}`)),
  );
  if (schema === undefined)
    return fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: broken });
  return fc.oneof(
    { weight: 12, arbitrary: text },
    { weight: 2, arbitrary: broken },
    { weight: 1, arbitrary: fc.constant(null) },
  );
}

function knownOf({ root, sha, folder, runs }: Target): Known {
  const place = fc.constantFrom(
    root,
    `${root}/sub`,
    `${root}/.git`,
    `${root}/none`,
    folder,
    '/',
    '/proc/self',
    '/dev/null',
    `${root}/a\0b`,
    `${root}/${'x'.repeat(300)}`,
    `${root}${'/x'.repeat(3000)}`,
  );
  const made = fc.oneof(
    hostileText.map((text) => `${folder}/made/${text.replaceAll('..', '')}`),
    fc.constantFrom('/proc/nothing', '/dev/null/x'),
  );
  const word = fc.oneof(fc.constant('true'), hostileText);
  const command = fc.array(word, { minLength: 1, maxLength: 3 });
  return {
    key: place,
    directory: made,
    sha: fc.constantFrom(sha, 'b'.repeat(40), 'b'.repeat(64)),
    'command:string': word,
    command,
    name: fc.constantFrom('train', 'a'.repeat(100), '0199', '..x', '_'),
    runner: fc.constantFrom('base', 'ssh', 'constructor', '__proto__', 'none'),
    backend: fc.constantFrom('base', 'ssh', 'toString'),
    job: fc.constantFrom('train', 'constructor', '__proto__'),
    idempotencyKey: fc.oneof(fc.constantFrom('one', 'two'), hostileText),
    watch: fc.array(fc.oneof(fc.constantFrom('out', 'sub/../out', '.'), hostileText), { maxLength: 2 }),
    links: fc.array(fc.oneof(fc.constantFrom('sub', 'out'), hostileText), { maxLength: 2 }),
    'cwd:string': fc.oneof(
      place,
      place,
      fc.constantFrom('sub', '..', '../..', 'sub/../../x', '/', '.git'),
      hostileText,
    ),
    commands: fc.array(command, { maxLength: 3 }),
    after: fc.array(fc.constantFrom(...runs), { maxLength: 2 }),
    afterAny: fc.array(fc.constantFrom(...runs), { maxLength: 2 }),
    hold: fc.constant(true),
    template: fc.oneof(fc.constantFrom('ssh', 'slurm', '../ssh'), hostileText),
    value: fc.oneof(
      hostileText.filter((text) => !text.startsWith('/')),
      fc.constant(null),
    ),
  };
}

/** As a client can say it: a lone surrogate has no bytes. */
function wellFormed(params: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, text]) => [name, text.toWellFormed()]));
}
