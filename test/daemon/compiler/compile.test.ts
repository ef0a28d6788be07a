import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeFixture } from './fixture.ts';

const SHOW = '{# qwex\nvariables: { a: { default: 1 }, b: {}, c: { type: list, default: [x] } }\n#}\n';

const lastLines = (script: string): string[] => script.split('\n\n').slice(1).join('\n\n').trim().split('\n');

describe('layers', () => {
  it('are the runner of the config, a layer, or a template, in this order', async () => {
    await using fixture = await makeFixture({
      'qwex.yaml':
        'runners: { env: { layers: [nice] } }\nlayers: { nice: { template: env }, mine: { template: nice } }\n',
    });
    const templates = async (runner: string): Promise<string[]> =>
      (await fixture.compile(['true'], { runner })).layers.map((layer) => `${layer.name}:${layer.template}`);
    expect(await templates('base')).toEqual([]);
    expect(await templates('env')).toEqual(['nice:env']);
    expect(await templates('nice')).toEqual(['nice:env']);
    expect(await templates('mine')).toEqual(['mine:nice']);
  });

  it('of the user win over those that ship', async () => {
    await using fixture = await makeFixture({ 'nice.sh.j2': '# mine\n{{ inner }}\n' });
    const { script, layers, sources } = await fixture.compile(['true'], { runner: 'nice' });
    expect(lastLines(script)).toEqual(['# mine', 'exec true']);
    expect(layers).toEqual([
      { name: 'nice', template: 'nice', origin: 'user', file: '.qwex/templates/nice.sh.j2', needs: [] },
    ]);
    expect(sources).toEqual([{ path: '.qwex/templates/nice.sh.j2', text: '# mine\n{{ inner }}\n' }]);
  });

  it('can include and extend one another by name', async () => {
    await using fixture = await makeFixture({
      '_frame.sh.j2': 'begin\n{% block body %}{% endblock %}\nend\n',
      'x.sh.j2': '{% extends "_frame" %}{% block body %}{{ inner }}{% include "_tail" %}{% endblock %}',
      '_tail.sh.j2': ' # {{ layer_name }}',
    });
    const { script, sources } = await fixture.compile(['true'], { runner: 'x' });
    expect(lastLines(script)).toEqual(['begin', 'exec true # x', 'end']);
    expect(sources.map((source) => source.path)).toEqual([
      '.qwex/templates/_frame.sh.j2',
      '.qwex/templates/_tail.sh.j2',
      '.qwex/templates/x.sh.j2',
    ]);
  });

  it.each([
    ['[]', false],
    ['[nice]', false],
    ['[cluster]', true],
    ['[nice, env, cluster]', true],
    ['[plain, cluster]', false],
    ['[cluster, plain]', true],
  ])('%s are resumable: %s', async (layers, resumable) => {
    await using fixture = await makeFixture({
      'qwex.yaml': `runners: { r: { layers: ${layers} } }`,
      'cluster.sh.j2': '{# qwex\nresumable: true\nneeds: [sbatch, nice]\n#}\n{{ inner }}',
      'plain.sh.j2': '{{ inner }}',
    });
    const compiled = await fixture.compile(['true'], { runner: 'r' });
    expect(compiled.resumable).toBe(resumable);
    if (layers === '[nice, env, cluster]') expect(compiled.needs).toEqual(['nice', 'sbatch']);
  });
});

describe('layout', () => {
  const layout = async (template: string): Promise<string> => {
    await using fixture = await makeFixture({ 'x.sh.j2': template });
    return (await fixture.compile(['true'], { runner: 'x' })).script.split('\n\n').slice(1).join('\n\n');
  };

  it.each([
    ['a{% if true %} b{% endif %}\nc\n{{ inner }}', 'a b\nc\nexec true\n'],
    ['a\n  {% if true %}\n  b\n  {% endif %}\n{# c #}\n{{ inner }}', 'a\n  b\nexec true\n'],
    ['{% set a = 1 %}{% set b = 2 %}  \n{{ a }}\n{{ inner }}', '1\nexec true\n'],
    ['{{ inner }}\n{% if true -%}\n\n  x\n{%- endif %}\n', 'exec true\nx\n'],
    ['{% raw %}\n{% a %}\n{% endraw %}\n{{ inner }}', '{% a %}\n\nexec true\n'],
    ['{% for w in command\n  %}\n{{ w }}\n{% endfor %}\n{{ inner }}', 'true\nexec true\n'],
  ])('%j', async (template, expected) => {
    expect(await layout(template)).toBe(expected);
  });
});

describe('values', () => {
  it('come from the defaults, then the config, then the target', async () => {
    await using fixture = await makeFixture({
      'x.sh.j2': `${SHOW}# {{ layer.a }} {{ layer.b | default("none") }} {{ layer.c.join(",") }}\n{{ inner }}`,
      'qwex.yaml': 'runners: { r: { layers: [x], storage: {} } }\nlayers: { x: { a: 2, b: "$[x]" } }',
      '.qwex/targets/r.yaml': 'x: { b: ~, c: [y, z] }\n',
    });
    const line = async (runner: string): Promise<string | undefined> =>
      lastLines((await fixture.compile(['true'], { runner })).script)[0];
    expect(await line('x')).toBe('# 2 $[x] x');
    expect(await line('r')).toBe('# 2 none y,z');
    const { sources } = await fixture.compile(['true'], { runner: 'r' });
    expect(sources.map((source) => source.path)).toEqual([
      'qwex.yaml',
      '.qwex/targets/r.yaml',
      '.qwex/templates/x.sh.j2',
    ]);
  });

  it('are free when the template declares none', async () => {
    await using fixture = await makeFixture({
      'x.sh.j2': '# {{ layer.anything.at.all }}\n{{ inner }}',
      'qwex.yaml': 'layers: { x: { anything: { at: { all: 7 } } } }',
    });
    expect(lastLines((await fixture.compile(['true'], { runner: 'x' })).script)[0]).toBe('# 7');
  });
});

describe('the context', () => {
  it('holds what is known when compiling', async () => {
    const shown =
      'run.name run.runner run.resources.gpus run.resources.gpu_type run.resources.time_seconds workspace.name job.commit job.cwd job.root layers.y.v layer_name';
    const lines = shown.split(' ').map((name) => `# {{ ${name} | quote }}`);
    await using fixture = await makeFixture({
      'x.sh.j2': `${lines.join('\n')}\n# {{ job.watch_directories | words }} {{ job.env_names | words }} {{ command | words }} {{ storage.source.type }}\n{{ inner }}`,
      'y.sh.j2': '{{ inner }}',
      'qwex.yaml': `env: { K: v }
runners: { r: { layers: [x, y], storage: { source: code } } }
layers: { y: { v: "it's" } }
storage: { code: { type: git-direct, layer: y } }`,
    });
    const { script } = await fixture.compile(['a', 'b c'], {
      runner: 'r',
      name: 'best',
      cwd: 'one/two',
      resources: { gpus: 2, gpuType: 'a100', timeMs: 90_500 },
    });
    expect(lastLines(script).map((line) => line.slice(2))).toEqual([
      "'best'",
      "'r'",
      "'2'",
      "'a100'",
      "'91'",
      "'project'",
      "'5f0c2d1be9a14c6f8d7e3b2a190f8e7d6c5b4a39'",
      "'one/two'",
      "'../..'",
      '"it\'s"',
      "'x'",
      "'out' 'K' 'a' 'b c' git-direct",
      "ec a 'b c'",
    ]);
  });

  it('is never rendered twice: what looks like a template in a value stays as it is', async () => {
    await using fixture = await makeFixture({
      'x.sh.j2': '# {{ layer.v }}\n{{ inner }}',
      'qwex.yaml': 'layers: { x: { v: "{{ inner }}{% include \'x\' %}" } }',
    });
    expect(lastLines((await fixture.compile(['true'], { runner: 'x' })).script)[0]).toBe(
      "# {{ inner }}{% include 'x' %}",
    );
  });
});

it('says its own hash', async () => {
  await using fixture = await makeFixture();
  const { script, sha256 } = await fixture.compile(['é']);
  expect(sha256).toBe(createHash('sha256').update(Buffer.from(script, 'utf8')).digest('hex'));
});

it('keeps a strange folder name inside its comment', async () => {
  await using fixture = await makeFixture();
  const { script } = await fixture.compile(['true'], { cwd: 'a\nid >&2\nb' });
  expect(lastLines(script)).toEqual(['exec true']);
  expect(script).toContain("# It needs no qwex. By hand, in the folder 'a?id >&2?b' of");
});

it('refuses to compile nothing', async () => {
  await using fixture = await makeFixture();
  await expect(fixture.compile([])).rejects.toMatchObject({ code: 'usage' });
});
