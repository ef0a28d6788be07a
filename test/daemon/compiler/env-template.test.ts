// The env template with programs that behave as conda, uv and modules do, and with a virtual environment.
import { spawnSync } from 'node:child_process';
import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Fixture, makeFixture } from './fixture.ts';

const CONDA = `#!/bin/sh
[ "$1 $2" = "shell.bash hook" ] || exit 3
cat <<'HOOK'
conda() {
  [ "$2" = broken ] && { echo "no such environment" >&2; return 1; }
  export CONDA_PREFIX="/envs/$2" SHARED=conda
}
HOOK
`;
const MODULE = `module() {
  case "$2" in missing) return 1 ;; esac
  echo "talk of module"
  export LOADED="\${LOADED:-}$2:" SHARED=modules
}
`;
const UV = `#!/bin/sh
[ "$1 $2 $3" = "sync --frozen --project" ] || exit 3
[ -e "$4/uv.lock" ] || { echo "no lock file" >&2; exit 2; }
echo "talk of uv"
mkdir -p "$4/.venv/bin" && echo "export VIRTUAL_ENV=$4/.venv" >"$4/.venv/bin/activate"
`;

async function run(fixture: Fixture, layer: string, show: string, cwd = '') {
  await fixture.write('qwex.yaml', `layers:\n  tools:\n    template: env\n${layer.replace(/^/gm, '    ')}\n`);
  await fixture.write('bin/conda', CONDA, 0o755);
  await fixture.write('bin/uv', UV, 0o755);
  await fixture.write('modules/init/bash', MODULE);
  const { script } = await fixture.compile(['sh', '-c', `printf '%s' "${show}"`], { runner: 'tools', cwd });
  await fixture.write('script.sh', script);
  const { CONDA_EXE: _unset, ...environment } = process.env;
  return spawnSync('bash', [join(fixture.path, 'script.sh')], {
    encoding: 'utf8',
    cwd: join(fixture.path, cwd),
    env: {
      ...environment,
      HOME: fixture.path,
      PATH: `${join(fixture.path, 'bin')}:${process.env.PATH}`,
      MODULESHOME: join(fixture.path, 'modules'),
      QWEX_RUN_DIR: join(fixture.path, 'run'),
    },
  });
}

describe('env', () => {
  it('exports variables as they are', async () => {
    await using fixture = await makeFixture();
    const result = await run(fixture, `variables: { A: "it's $HOME\\n", N: 3, T: true }`, '$A|$N|$T');
    expect(result.stdout).toBe("it's $HOME\n|3|true");
  });

  it('loads modules in order, and keeps their talk out of the output', async () => {
    await using fixture = await makeFixture();
    expect((await run(fixture, 'modules: [gcc/12, cuda]', '$LOADED')).stdout).toBe('gcc/12:cuda:');
  });

  it('activates conda, from the PATH or where it is said to be', async () => {
    await using fixture = await makeFixture();
    expect((await run(fixture, 'conda: science', '$CONDA_PREFIX')).stdout).toBe('/envs/science');
    const elsewhere = await run(fixture, 'conda: science\nconda_exe: ~/bin/conda', '$CONDA_PREFIX');
    expect(elsewhere.stdout).toBe('/envs/science');
  });

  it.each([
    ['.venv', ''],
    ['.venv', 'deep/er'],
    ['~/.venv', 'deep/er'],
  ])('activates the venv %s in %j', async (venv, cwd) => {
    await using fixture = await makeFixture({
      'deep/er/x': '',
      '.venv/bin/activate': 'export VIRTUAL_ENV=found SHARED=venv\n',
    });
    expect((await run(fixture, `venv: ${venv}`, '$VIRTUAL_ENV', cwd)).stdout).toBe('found');
  });

  it('makes and activates a uv environment', async () => {
    await using fixture = await makeFixture({ 'sub/uv.lock': '' });
    expect((await run(fixture, 'uv: sub', '$VIRTUAL_ENV')).stdout).toBe('./sub/.venv');
  });

  it('lets its own variables win over what an activation sets', async () => {
    await using fixture = await makeFixture({ '.venv/bin/activate': 'export SHARED=venv SEEN=$SHARED\n' });
    const both = 'modules: [a]\nconda: b\nvenv: .venv\nvariables: { SHARED: mine }';
    expect((await run(fixture, both, '$SHARED $CONDA_PREFIX $LOADED')).stdout).toBe('mine /envs/b a:');
  });

  it.each([
    ['modules: [gcc, missing]', 'cannot load the module missing'],
    ['conda: broken', 'cannot activate the conda environment broken'],
    ['conda: a\nconda_exe: /nowhere/conda', "/nowhere/conda doesn't say how to activate environments"],
    ['venv: nowhere', 'there is no virtual environment in ./nowhere'],
    ['uv: .', 'uv cannot make the environment of ./.'],
  ])('ends with 125, a sentence and a note when it fails: %j', async (layer, message) => {
    await using fixture = await makeFixture();
    const result = await run(fixture, layer, 'the command ran');
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(result.stderr).toContain(`qwex: layer tools: ${message}\n`);
    expect(await readFile(join(fixture.path, 'run/layers/tools/failed'), 'utf8')).toBe(`${message}\n`);
  });

  it("never syncs into someone's live environment", async () => {
    await using fixture = await makeFixture({ 'uv.lock': '', 'live/bin/x': '' });
    await symlink('live', join(fixture.path, '.venv'));
    const result = await run(fixture, 'uv: .', 'the command ran');
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(result.stderr).toContain('is a link; use venv: instead of uv:');
  });

  it('refuses a name that is no variable', async () => {
    await using fixture = await makeFixture({ 'qwex.yaml': 'layers: { env: { variables: { "A;id": 1 } } }' });
    await expect(fixture.compile(['true'], { runner: 'env' })).rejects.toMatchObject({
      code: 'compile_failed',
      message: expect.stringMatching(
        /^built-in env\.sh\.j2:\d+: .*"A;id" is not the name of an environment variable$/,
      ),
    });
  });
});
