import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { finderMappings } from '../../../daemon/spaces/finders.ts';
import { editableRedirects } from '../../../daemon/spaces/index.ts';
import { lacks } from '../../rig/needs.ts';
import { Rig } from './rig.ts';

/** The way setuptools does it: a table and a finder at the end of sys.meta_path, which is asked last. */
function finder(mapping: Record<string, string>): string {
  return `import sys
from importlib.util import spec_from_file_location
from pathlib import Path
MAPPING: dict[str, str] = ${JSON.stringify(mapping)}
NAMESPACES: dict[str, list[str]] = {}
class Finder:
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname in MAPPING:
            return spec_from_file_location(fullname, Path(MAPPING[fullname], '__init__.py'))
def install():
    sys.meta_path.append(Finder)
`;
}

function makeVenv(rig: Rig, at = join(rig.root, '.venv')): { venv: string; site: string } {
  execFileSync('python3', ['-m', 'venv', '--without-pip', at]);
  const [version = ''] = readdirSync(join(at, 'lib'));
  return { venv: at, site: join(at, 'lib', version, 'site-packages') };
}

function python(venv: string, pythonPath: string[], cwd: string): string {
  const code = 'import viapth, viafinder; print(viapth.WHERE, viafinder.WHERE)';
  const env = { ...process.env, PYTHONPATH: pythonPath.join(':') };
  return execFileSync(join(venv, 'bin/python'), ['-c', code], { cwd, env, encoding: 'utf8' }).trim();
}

describe('editable installs', () => {
  it.skipIf(lacks('python3'))('import the commit instead of the live tree, in a real Python', async () => {
    await using rig = Rig.withCommit({
      'src/viapth.py': 'WHERE = "commit"\n',
      'lib/viafinder/__init__.py': 'WHERE = "commit"\n',
    });
    const { venv, site } = makeVenv(rig);
    rig.write(
      {
        '__editable__.one.pth': `${rig.root}/src\n`,
        '__editable__.two.pth': 'import __editable___two_finder; __editable___two_finder.install()\n',
        '__editable___two_finder.py': finder({ viafinder: `${rig.root}/lib/viafinder` }),
      },
      site,
    );
    rig.write({ 'src/viapth.py': 'WHERE = "live"\n', 'lib/viafinder/__init__.py': 'WHERE = "live"\n' });
    const { path } = await rig.spaces.create(rig.request());
    expect(python(venv, [], path)).toBe('live live');
    const environment = { VIRTUAL_ENV: venv, PATH: '/nonexistent' };
    const { pythonPath, notes } = await editableRedirects({ environment, root: rig.root, space: path });
    expect([...pythonPath].sort()).toEqual([join(path, 'lib'), join(path, 'src')]);
    expect(notes).toHaveLength(2);
    expect(python(venv, pythonPath, path)).toBe('commit commit');
  });

  it('are found through the PATH, conda, the user site, a base environment and PYTHONPATH', async () => {
    await using rig = Rig.withCommit({ 'src/a.py': '', 'b/b.py': '' });
    const { path: space } = await rig.spaces.create(rig.request());
    const site = (prefix: string) => {
      const folder = join(rig.folder, prefix, 'lib/python3.11/site-packages');
      rig.write({ 'easy-install.pth': `# old style\n\n${rig.root}/src\r\n./inside\n/elsewhere\n` }, folder);
      return join(rig.folder, prefix);
    };
    const look = (environment: Record<string, string>) =>
      editableRedirects({ environment, root: rig.root, space });
    const redirected = [join(space, 'src')];
    expect((await look({ CONDA_PREFIX: site('conda') })).pythonPath).toEqual(redirected);
    site('home/.local');
    expect((await look({ HOME: join(rig.folder, 'home') })).pythonPath).toEqual(redirected);
    const onPath = site('real');
    rig.write({ 'bin/python3.11': '' }, onPath);
    mkdirSync(join(rig.folder, 'links'));
    symlinkSync(join(onPath, 'bin/python3.11'), join(rig.folder, 'links/python3'));
    expect((await look({ PATH: `/nonexistent:${join(rig.folder, 'links')}` })).pythonPath).toEqual(
      redirected,
    );
    rig.write(
      { 'pyvenv.cfg': `home = ${onPath}/bin\ninclude-system-site-packages = true\n` },
      join(rig.folder, 'env'),
    );
    expect((await look({ VIRTUAL_ENV: join(rig.folder, 'env') })).pythonPath).toEqual(redirected);
    expect((await look({ PYTHONPATH: `src:${rig.root}/b:/usr/x:${rig.root}` })).pythonPath).toEqual([
      join(space, 'b'),
      space,
    ]);
    expect(await look({})).toEqual({ pythonPath: [], notes: [] });
  });

  it('leave the own packages of an environment inside the workspace alone', async () => {
    await using rig = Rig.withCommit({ 'src/a.py': '' });
    const venv = join(rig.root, 'envs/one');
    rig.write(
      { 'lib/python3.12/site-packages/x.pth': `../../../src/pkg\n${rig.root}/src\n`, 'src/pkg/m.py': '' },
      venv,
    );
    const { path: space } = await rig.spaces.create(rig.request({ links: ['envs'] }));
    const program = join(venv, 'bin/python');
    const { pythonPath } = await editableRedirects({ environment: {}, root: rig.root, space, program });
    expect(pythonPath).toEqual([join(space, 'src')]);
  });

  it('that no PYTHONPATH can overrule are named', async () => {
    await using rig = Rig.withCommit({ 'src/a.py': '' });
    const { path: space } = await rig.spaces.create(rig.request());
    const venv = join(rig.folder, 'env');
    rig.write(
      {
        'one.pth': 'import _one_editable\n',
        '_one_editable.py': `install({'one': '${rig.root}/src/one.py'})`,
        'two.pth': 'import __editable___two_finder\n',
        '__editable___two_finder.py': `MAPPING = {'two': '${rig.root}/other-name'}\n`,
        'three.pth': `${rig.root}/build/links\n`,
        'four.pth': 'import os; os.environ\nimport _virtualenv\n',
      },
      join(venv, 'lib/python3.12/site-packages'),
    );
    const { pythonPath, notes } = await editableRedirects({
      environment: { VIRTUAL_ENV: venv },
      root: rig.root,
      space,
    });
    expect(pythonPath).toEqual([]);
    expect(notes.filter((note) => note.includes('cannot be redirected'))).toHaveLength(2);
    expect(notes.join('\n')).toContain(`${rig.root}/build/links, which the run's commit does not have`);
    expect(notes).toHaveLength(3);
  });

  it("reads Python's own spelling of a table", () => {
    const text = `MAPPING = {'a': '/r/src/a', "b": "/r/it's/b", 'c.d': '/r/x/c/d', 'm': '/r/m.py', 'u': '/r/\\u00fc\\\\/u', 'z': '/r/q'}\nNAMESPACES = {'n': ['/r/ns/n', '/s/n']}\n`;
    expect(finderMappings(text)).toEqual({
      folders: ['/r/src', "/r/it's", '/r/x', '/r', '/r/ü\\', '/r/ns'],
      renamed: ['/r/q'],
    });
    expect(finderMappings('garbage = {')).toEqual({ folders: [], renamed: [] });
  });
});
