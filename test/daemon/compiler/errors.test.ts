// Every mistake has the file and the line of the mistake, not of something near it.
import { describe, expect, it } from 'vitest';
import { messageFrom } from '../config/folder.ts';
import { makeFixture } from './fixture.ts';

/** The message for a user template `x` in a workspace with `more` files. */
async function messageOf(template: string, more: Record<string, string> = {}): Promise<string> {
  await using fixture = await makeFixture({ 'x.sh.j2': template, ...more });
  return messageFrom(() => fixture.compile(['true'], { runner: 'x' }));
}
const X = '.qwex/templates/x.sh.j2';

describe('a template', () => {
  it.each([
    ['line\n\n{{ nothing }}\n', `${X}:3: nothing is called "nothing" here`],
    ['{{ inner }}\n{{ iner }}', `${X}:2: nothing is called "iner" here; did you mean "inner"?`],
    ['a\nb\n{{ layer.host }}', `${X}:3: layer has no "host"`],
    ['a\n{{ run.resources.gpu }}', `${X}:2: run.resources has no "gpu"; did you mean "gpus"?`],
    ['a\n{% if layer.host %}\n{% endif %}', `${X}:2: layer has no "host"`],
    ['{# a comment\nof lines #}\n{% for h in layer.hosts %}\n{% endfor %}', `${X}:3: layer has no "hosts"`],
    ['{% set x = 1 %}\n{% set y = workspace.nam %}', `${X}:2: workspace has no "nam"; did you mean "name"?`],
    [
      '{% if true %}\n  {% if true %}\n    {{ layer["a b"] }}\n  {% endif %}\n{% endif %}',
      `${X}:3: layer has no "a b"`,
    ],
    [
      '{{ run.name }}',
      `${X}:1: run.name has no value; ask with {% if run.name %} first, or give it a default`,
    ],
    ['\n{{ run.name | quote }}', `${X}:2: run.name | quote: there is no value; ask with {% if … %} first`],
    ['\n{{ run.name.first }}', `${X}:2: run.name has no value, so it has no "first"`],
    ['\n{{ command }}', `${X}:2: command is a list; loop over it, or use the filter "words"`],
    [
      '\n{{ command | quote }}',
      `${X}:2: command | quote: a list is several words; use the filter "words", or loop over it`,
    ],
    ['\n{{ workspace }}', `${X}:2: workspace is a map; name one of its keys`],
    [
      '\n{{ inner | center(1000000000) }}',
      `${X}:2: inner | center: the width 1000000000 is more than a text may have`,
    ],
    ['\n{{ inner.repeat(500000000) }}', `${X}:2: inner.repeat makes more than 1048576 characters`],
    [
      '\n{% for n in range(1000000000) %}{% endfor %}',
      `${X}:2: range(): a range has more than 100000 numbers`,
    ],
    ['\n{{ inner | quot }}', `${X}:2: there is no filter "quot"; did you mean "quote"?`],
    ['{% if false %}\n{{ inner | random }}\n{% endif %}', `${X}:2: there is no filter "random"`],
    ['\n\n{% if inner is sting %}{% endif %}', `${X}:3: there is no test "sting"; did you mean "string"?`],
    ['\n{{ inner() }}', `${X}:2: inner(): Unable to call \`inner\`, which is not a function`],
    ['{{ inner.constructor.constructor("return 1")() }}', `${X}:1: inner has no "constructor"`],
    ['{{ layer.__proto__ }}', `${X}:1: layer has no "__proto__"`],
    ['{{ constructor }}', `${X}:1: nothing is called "constructor" here`],
    [
      '{{ command.push("x") }}{{ inner }}',
      `${X}:1: command.push(): Cannot add property 1, object is not extensible`,
    ],
    ['{% macro m(a) %}\n\n{{ a.b }}\n{% endmacro %}\n{{ inner }}{{ m(layer) }}', `${X}:3: a has no "b"`],
    ['\n{% include "nothing" %}', `${X}:2: there is no template "nothing"`],
    ['\n{% include "../../etc/passwd" %}', `${X}:2: there is no template "../../etc/passwd"`],
    ['a\n{% extends "nicer" %}', `${X}:2: there is no template "nicer"; did you mean "nice"?`],
    ['true', `${X}: never uses {{ inner }}, so the command would not run`],
    ['{{ inner }', `${X}:1: `],
    ['ok\n{{ inner }}\n{% if x %}\n', `${X}:3: `],
    ['ok\n\n{% fi %}', `${X}:3: unknown block tag: fi`],
    ['ok\nn=$' + '{#a}\nmore\n', `${X}:2: expected end of comment, got end of file`],
    ['ok\nok\nn=$' + '{a#}\n', `${X}:3: unexpected end of comment`],
  ])('%j', async (template, message) => {
    const found = await messageOf(template);
    expect(found.startsWith(message), found).toBe(true);
    if (!message.endsWith(': ') && !found.includes('; known: ')) expect(found).toBe(message);
  });

  it('that is included is named itself', async () => {
    const part = 'a\n\n{{ layer.host }}\n';
    const named = '.qwex/templates/_part.sh.j2:3: layer has no "host"';
    expect(await messageOf('{% include "_part" %}{{ inner }}', { '_part.sh.j2': part })).toBe(named);
    const macro = '{% macro m(a) %}\n{{ a.b }}\n{% endmacro %}';
    expect(
      await messageOf('{% import "_part" as p %}{{ inner }}\n\n\n{{ p.m(layer) }}', { '_part.sh.j2': macro }),
    ).toBe('.qwex/templates/_part.sh.j2:2: a has no "b"');
  });

  it('that includes itself ends', async () => {
    expect(await messageOf('{% include "x" %}')).toMatch(
      /^\.qwex\/templates\/x\.sh\.j2: templates include one another without an end/,
    );
  });

  it('that asks whether something is there may ask', async () => {
    await using fixture = await makeFixture({
      'x.sh.j2': `{% if layer.a is defined %}a{% endif %}{{ layer.b | default("b") }}{{ c | default("c") }}
{% if d is undefined %}d{% endif %}{{ run.name | default("e", true) }}{% if run.name is defined %}f{% endif %}
{{ inner }}`,
    });
    const { script } = await fixture.compile(['true'], { runner: 'x' });
    expect(script.split('\n').slice(-4, -1)).toEqual(['bc', 'de', 'exec true']);
  });

  it.each([
    [
      '{# qwex\nvariables:\n  host: { requird: true }\n#}',
      `${X}:3: unknown key "requird" under variables.host; did you mean "required"?`,
    ],
    [
      '{# qwex\ndescription: a\nresumable: maybe\n#}',
      `${X}:3: resumable must be true, false or inherit, not "maybe"`,
    ],
    [
      '{# qwex\nvariables:\n  n: { type: number, default: x }\n#}',
      `${X}:3: variables.n has a default that doesn't fit: it must be a number, not "x"`,
    ],
    [
      '{# qwex\nvariables:\n  template:\n#}',
      `${X}:3: variables.template can't be a variable: in a config it names the template`,
    ],
    [
      '{# qwex\nvariables:\n  n: { required: true, default: 1 }\n#}',
      `${X}:3: variables.n is required, so its default would never be used`,
    ],
    ['{# qwex: a #}', `${X}:1: the head must start with a line "{# qwex" of its own and end with "#}"`],
    ['{# qwex\nneeds: [\n#}', `${X}:`],
  ])('with the head %j', async (head, message) => {
    expect(await messageOf(`${head}\n{{ inner }}`)).toContain(message);
  });
});

const NICE = 'runners:\n  slow:\n    layers: [quiet]\nlayers:\n  quiet:\n    template: nice\n';
const HOST = '{# qwex\nvariables:\n  host: { required: true, help: where }\n#}\n{{ inner }}\n';

describe('a config', () => {
  it.each([
    [
      `${NICE}    nicenes: 3\n`,
      'slow',
      'qwex.yaml:7: layers.quiet: the template "nice" knows no value "nicenes"; did you mean "niceness"?',
    ],
    [
      `${NICE}    niceness: low\n`,
      'quiet',
      'qwex.yaml:7: layers.quiet: niceness must be a number, not "low"',
    ],
    [
      `${NICE}    ionice: often\n`,
      'slow',
      'qwex.yaml:7: layers.quiet: ionice must be "best-effort" or "idle" or "realtime", not "often"',
    ],
    [
      `${NICE}    ionice: [idle]\n`,
      'slow',
      'qwex.yaml:7: layers.quiet: ionice must be a single value, not a list',
    ],
    [
      'runners:\n  a:\n    layers: [nice, nize]\n',
      'a',
      'qwex.yaml:3: "nize" is neither a layer nor a template; did you mean "nice"?',
    ],
    [
      'layers:\n  a:\n    x: 1\n    template: nize\n',
      'a',
      'qwex.yaml:4: layers.a needs a template "nize", and there is none; did you mean "nice"?',
    ],
    [
      'layers:\n  a:\n    x: 1\n    type: nize\n',
      'a',
      'qwex.yaml:4: layers.a needs a template "nize", and there is none; did you mean "nice"?',
    ],
    [
      'layers:\n  nicer: {}\n',
      'nicer',
      'qwex.yaml:2: layers.nicer needs a template "nicer", and there is none; did you mean "nice"?',
    ],
    [
      'layers:\n  far:\n    template: x\n',
      'far',
      `qwex.yaml:2: layers.far: needs a value for "host" (where): ${X} requires it`,
    ],
    [
      '\nrunners:\n  far: { layers: [x] }\n',
      'far',
      `qwex.yaml:3: layer x: needs a value for "host" (where): ${X} requires it`,
    ],
    ['name: a\n', 'x', `qwex.yaml: layer x: needs a value for "host" (where): ${X} requires it`],
  ])('%j, runner %s', async (config, runner, message) => {
    await using fixture = await makeFixture({ 'qwex.yaml': config, 'x.sh.j2': HOST });
    await expect(fixture.compile(['true'], { runner })).rejects.toMatchObject({
      code: 'compile_failed',
      message,
    });
  });

  it('has all its problems told at once', async () => {
    const config =
      'runners:\n  a: { layers: [p, q] }\nlayers:\n  q: { template: x }\n  p: { template: nice, nicenes: 1 }\n';
    await using fixture = await makeFixture({ 'qwex.yaml': config, 'x.sh.j2': HOST });
    const lines = (await messageFrom(() => fixture.compile(['true'], { runner: 'a' }))).split('\n');
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['qwex.yaml:4:', 'qwex.yaml:5:']);
  });

  it('is not needed for an error to be clear', async () => {
    await using fixture = await makeFixture({ 'x.sh.j2': HOST });
    expect(await messageFrom(() => fixture.compile(['true'], { runner: 'x' }))).toBe(
      `qwex run -r: layer x: needs a value for "host" (where): ${X} requires it`,
    );
  });

  it('an unknown runner lists the known ones', async () => {
    await using fixture = await makeFixture({ 'qwex.yaml': NICE });
    await expect(fixture.compile(['true'], { runner: 'solw' })).rejects.toMatchObject({
      code: 'not_found',
      message: 'there is no runner "solw" in qwex.yaml; did you mean "slow"?',
      hint: 'known runners: base, slow, quiet, env, nice',
    });
    await expect(fixture.compile(['true'], { runner: '_fail' })).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a target', () => {
  it.each([
    [
      'quite: {}\n',
      '.qwex/targets/slow.yaml:1: "quite" is no layer of the runner "slow"; did you mean "quiet"?',
    ],
    [
      '# x\nquiet:\n  nicenes: 1\n',
      '.qwex/targets/slow.yaml:3: quiet: the template "nice" knows no value "nicenes"; did you mean "niceness"?',
    ],
    ['quiet: 3\n', '.qwex/targets/slow.yaml:1: quiet must be a map of keys and values, not 3'],
    ['quiet: { a: [ }\n', '.qwex/targets/slow.yaml:1: '],
  ])('%j', async (target, message) => {
    await using fixture = await makeFixture({ 'qwex.yaml': NICE, '.qwex/targets/slow.yaml': target });
    expect(await messageFrom(() => fixture.compile(['true'], { runner: 'slow' }))).toContain(message);
    // The same layer under another runner has nothing to do with it.
    expect(
      (await fixture.compile(['true'], { runner: 'quiet' })).sources.map((source) => source.path),
    ).toEqual(['qwex.yaml']);
  });
});

it('a template that goes round for ever, or backtracks for ever, is ended and named', async () => {
  const round = '{% for a in range(9999) %}'.repeat(4) + '{% endfor %}'.repeat(4);
  const backtracking = '{{ ("a".repeat(60) + "b").match(r/(a+)+$/) }}';
  for (const template of [round, backtracking])
    expect(await messageOf(template)).toBe(`${X}: takes longer than 1 second: it may loop too far`);
});
