// Files that a person could have written, or a cat on the keyboard: whole configs with parts changed, YAML that is
// larger than it looks, and templates that try to go round for ever or to get at the process.
import fc from 'fast-check';
import { stringify } from 'yaml';
import { hostileJson, hostileText } from './hostile.ts';

const WORKSPACE = `name: lab
defaults: { runner: hpc }
source: { dirty: snapshot, links: [data], untracked: warn, submodules: false }
artifacts:
  watch_directories: [out, "plots/fine"]
  ignore_patterns: ["*.tmp"]
  max_file_size_mb: 10
resources: { gpus: 1, gpu_type: a100, time: 4h }
env: &env { TOKENIZERS_PARALLELISM: "false", N: 3 }
runners:
  hpc: { layers: [wrap, ssh], storage: { source: code } }
layers:
  wrap: { template: wrap, options: { a: [1, 2] } }
  ssh: { host: csc, qwex_home: ~/.qwex }
storage:
  code: { type: git-direct, layer: ssh }
jobs:
  train: { command: python train.py, runner: hpc }
`;

const USER = 'slots: 2\ngrace: 500ms\nspaces: ~/spaces\n';

const TEMPLATE = `{#
description: wraps
variables:
  options: { default: {}, help: any }
#}
set -eu
{% for key, value in layer.options %}export {{ key }}={{ value | quote }}
{% endfor %}
{{ inner }}
`;

const bomb = (levels: number): string =>
  Array.from(
    { length: levels },
    (_, n) =>
      `a${n}: &a${n} [${
        n === 0
          ? 'x'
          : Array(9)
              .fill(`*a${n - 1}`)
              .join()
      }]\n`,
  ).join('');

const ODD_YAML = [
  ...[
    bomb(4),
    bomb(12),
    `env: {${Array.from({ length: 3000 }, (_, n) => `K${n}: 1`).join()}}`,
    'a: &a {b: *a}',
    '&a [*a]',
    'layers: &a {x: {y: *a}}',
  ],
  ...[
    '['.repeat(20_000),
    '{a: '.repeat(20_000),
    `${'- '.repeat(20_000)}x`,
    `${Array.from({ length: 3000 }, (_, n) => `${' '.repeat(n)}a:\n`).join('')}`,
  ],
  ...[
    '*missing',
    'a: *b',
    '<<: *x',
    '<<: {name: lab}',
    '? [a, b]\n: c',
    '? {name: lab}\n: x',
    '--- a\n--- b',
    '%YAML 9.9\n---\na',
    '!!js/function x',
    '!!binary "=="',
    '!!set {a}',
    '!<tag:x> y',
    '!!omap [a: 1]',
    '!!timestamp 2026-01-01',
  ],
  ...[
    'name: "\\0"',
    'name: "a\\u001b[2J"',
    'name: ..',
    'name: runs/../../x',
    'name: env',
    'name: "\\uD800"',
    `name: ${'x'.repeat(70_000)}`,
    '\ufeffname: lab',
    'name: lab\r\nenv: {}\r\n',
    '\t',
    'a: b: c',
    '"',
    "'",
    '|',
    '>',
    '- - -',
    'null',
    '~',
    '1',
    '[]',
    'true',
    '.inf',
    '.nan',
    '0o7',
  ],
  ...[
    '__proto__: {a: 1}',
    'constructor: {prototype: {x: 1}}',
    'env: {__proto__: x}',
    'layers: {__proto__: {template: ssh}}',
    'runners: {constructor: {layers: [toString]}}',
    'jobs: {__proto__: {command: x}}',
  ],
  ...[
    'resources: {time: 9999999999999h}',
    'resources: {time: 1e300s}',
    'resources: {gpus: 1e300}',
    'artifacts: {max_file_size_mb: 1e300}',
    'artifacts: {max_file_size_mb: .inf}',
    `artifacts: {ignore_patterns: ["${'*a'.repeat(2000)}"]}`,
    'artifacts: {watch_directories: ["../x"]}',
    'artifacts: {watch_directories: [/etc]}',
    'source: {links: [../..]}',
  ],
  ...[
    'slots: 1e300',
    'slots: -1',
    'grace: 99999999h',
    'box: /proc/self/mem',
    'runs: /dev/null',
    'spaces: "a\\0b"',
  ],
];

const ODD_TEMPLATES = [
  ...[
    '{{',
    '{%',
    '{% for %}',
    '{% if %}',
    '{{ inner',
    '{# never closed',
    '{{ nothing }}',
    '{{ layer.nothing.more }}',
    '{% include "/etc/passwd" %}',
    '{% extends "x" %}',
    '{% import "../x" as y %}',
    '{% block x %}',
    '{% raw %}',
    '{{ inner | nothing }}',
    '{{ inner() }}',
  ],
  ...[
    '{{ ({}).constructor.constructor("return process")().exit() }}',
    '{{ inner.constructor.constructor("return process")().exit() }}',
    '{{ "".__proto__ }}',
    '{{ [].constructor }}',
    '{{ range.constructor("return process.exit()")() }}',
    '{{ joiner.constructor("return process.exit()")() }}',
    '{{ cycler.__proto__.constructor("process.exit()")() }}',
  ],
  ...[
    '{% for x in range(1000000000) %}x{% endfor %}',
    '{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}x{% endfor %}{% endfor %}{% endfor %}',
    '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}',
    '{% set x = "x" %}{% for i in range(60) %}{% set x = x + x %}{% endfor %}{{ x }}',
    `${'{% if true %}'.repeat(5000)}`,
    '(('.repeat(5000),
    `{{ ${'('.repeat(5000)}1${')'.repeat(5000)} }}`,
    `{{ ${'['.repeat(5000)} }}`,
    '{{ "x" | center(1000000000) }}',
    '{{ "x".repeat(500000000) }}',
    '{{ ("a".repeat(60) + "b").match(r/(a+)+$/) }}',
    '{{ range(0, 1000000000, 0.1) }}',
    '{{ inner | indent(1000000000) }}',
    '{{ "a" * 5 }}',
    '{{ 9 ** 999999 }}',
    '{{ r/(a+)+$/.test("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab") }}',
  ],
  ...[
    '{#\nvariables: {x: *y}\n#}',
    `{#\n${bomb(12)}#}`,
    `{#\n${'['.repeat(20_000)}\n#}`,
    '{#\nresumable: maybe\n#}{{ inner }}',
    '\0',
    '\ufeff{{ inner }}',
  ],
];

export interface OddFile {
  /** Below the workspace; `user` is the user's own config. */
  path: string;
  content: Buffer;
}

export const oddFile: fc.Arbitrary<OddFile> = fc.oneof(
  { weight: 4, arbitrary: file('.qwex/config.yaml', changed(WORKSPACE, ODD_YAML)) },
  { weight: 1, arbitrary: file('.qwex/targets/hpc.yaml', changed('wrap: { options: {} }\n', ODD_YAML)) },
  { weight: 3, arbitrary: file('.qwex/templates/wrap.sh.j2', changed(TEMPLATE, ODD_TEMPLATES)) },
  { weight: 1, arbitrary: file('user', changed(USER, ODD_YAML)) },
);

export const GOOD_FILES: Readonly<Record<string, string>> = {
  '.qwex/config.yaml': WORKSPACE,
  '.qwex/templates/wrap.sh.j2': TEMPLATE,
};

function file(path: string, content: fc.Arbitrary<Buffer>): fc.Arbitrary<OddFile> {
  return content.map((bytes) => ({ path, content: bytes }));
}

/** The text with some of it replaced; or something odd, alone or behind it; or any data, or any bytes. */
function changed(text: string, odd: readonly string[]): fc.Arbitrary<Buffer> {
  const change = fc.record({
    at: fc.nat(text.length),
    length: fc.nat(12),
    by: fc.oneof(
      hostileText,
      fc.constantFrom(...odd.filter((each) => each.length < 100), '\n', ': ', '&a ', '*a', '{', '}', '- '),
    ),
  });
  const mutated = fc
    .array(change, { minLength: 1, maxLength: 3 })
    .map((changes) =>
      changes.reduce((now, { at, length, by }) => now.slice(0, at) + by + now.slice(at + length), text),
    );
  const texts = fc.oneof(
    { weight: 3, arbitrary: mutated },
    { weight: 3, arbitrary: fc.constantFrom(...odd) },
    { weight: 2, arbitrary: fc.constantFrom(...odd).map((each) => `${text}${each}\n`) },
    { weight: 1, arbitrary: hostileJson.map((value) => stringify(value)) },
  );
  return fc.oneof(
    { weight: 9, arbitrary: texts.map((each) => Buffer.from(each)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  );
}
