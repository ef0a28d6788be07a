import { expect, it } from 'vitest';
import { DEPTHS, makeFixture, NESTING } from './fixture.ts';

const AWKWARD = [
  'python',
  'train.py',
  '--name',
  "it's",
  '$HOME `id` "x"',
  'two\nlines',
  '{{ inner }}{% raw %}',
  'é✓',
  '',
];

it.each([0, 1, 2, 3, 4])('is the expected script at depth %d', async (depth) => {
  await using fixture = await makeFixture({ 'qwex.yaml': DEPTHS, ...NESTING });
  const compiled = await fixture.compile(AWKWARD, {
    runner: `depth${depth}`,
    cwd: depth === 4 ? 'sub/dir' : '',
  });
  await expect(compiled.script).toMatchFileSnapshot(`golden/depth${depth}.sh`);
});

it('is the expected script for everything that env does', async () => {
  await using fixture = await makeFixture({
    'qwex.yaml': `layers:
  env:
    variables: { A: "it's", B: 2 }
    modules: [gcc/12, cuda]
    conda: science
    conda_exe: ~/miniconda/bin/conda
    uv: .
    venv: .venv
`,
  });
  const { script } = await fixture.compile(['true'], { runner: 'env', cwd: 'deep/er' });
  await expect(script).toMatchFileSnapshot('golden/env.sh');
});

it('gives the same bytes for the same input', async () => {
  const scripts = new Set<string>();
  for (let round = 0; round < 3; round++) {
    await using fixture = await makeFixture({ 'qwex.yaml': DEPTHS, ...NESTING });
    const { script, sha256 } = await fixture.compile(AWKWARD, { runner: 'depth4' });
    scripts.add(`${sha256}\n${script}`);
  }
  expect(scripts.size).toBe(1);
});
