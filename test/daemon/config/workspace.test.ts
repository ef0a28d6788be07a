import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadWorkspace } from '../../../daemon/config/index.ts';
import { parseWorkspaceConfig } from '../../../daemon/config/workspace.ts';
import { makeFolder, messageFrom } from './folder.ts';

const problemsOf = (text: string): Promise<string> =>
  messageFrom(() => parseWorkspaceConfig({ path: '.qwex/config.yaml', text }));

describe('loadWorkspace', () => {
  it('works without any file', async () => {
    await using folder = await makeFolder();
    const workspace = await loadWorkspace(folder.path);
    expect(workspace).toMatchObject({ name: 'project', file: null, sources: [], config: { env: {} } });
    expect(workspace.lineOf(['env'])).toBeNull();
  });

  it.each(['.qwex/config.yaml', 'qwex.yaml'])('reads %s and keeps what it read', async (path) => {
    const text = 'name: other\ndefaults: { runner: hpc }\n';
    await using folder = await makeFolder({ [path]: text });
    const workspace = await loadWorkspace(folder.path);
    expect(workspace).toMatchObject({ name: 'other', file: path, config: { defaults: { runner: 'hpc' } } });
    expect(workspace.sources).toEqual([{ path, text }]);
    expect(workspace.lineOf(['defaults', 'runner'])).toBe(2);
  });

  it('refuses two configs', async () => {
    await using folder = await makeFolder({ '.qwex/config.yaml': '', 'qwex.yaml': '' });
    await expect(loadWorkspace(folder.path)).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('both .qwex/config.yaml and qwex.yaml exist'),
    });
  });

  it('keeps targets unparsed, by runner', async () => {
    await using folder = await makeFolder({
      '.qwex/targets/hpc.yaml': 'ssh: { host: x }\n',
      '.qwex/targets/broken.yaml': '{{{',
      '.qwex/targets/notes.txt': 'x',
    });
    const { targets } = await loadWorkspace(folder.path);
    expect([...targets.keys()]).toEqual(['broken', 'hpc']);
    expect(targets.get('hpc')).toEqual({ path: '.qwex/targets/hpc.yaml', text: 'ssh: { host: x }\n' });
  });

  it.each(['repos', 'ENV', '.hidden', '-rf', 'qwex.db', 'daemon.sock'])(
    'refuses a folder named %s unless the config names the workspace',
    async (name) => {
      await using folder = await makeFolder({}, name);
      await expect(loadWorkspace(folder.path)).rejects.toMatchObject({
        code: 'invalid_config',
        hint: expect.stringContaining('name:'),
      });
      await folder.write('qwex.yaml', 'name: fine\n');
      expect((await loadWorkspace(folder.path)).name).toBe('fine');
    },
  );

  it('refuses what is no file of text, without hanging on a fifo', async () => {
    await using folder = await makeFolder({ '.qwex/x': '' });
    execFileSync('mkfifo', [join(folder.path, '.qwex/config.yaml')]);
    expect(await messageFrom(() => loadWorkspace(folder.path))).toBe(
      'cannot read .qwex/config.yaml: it is not a regular file',
    );
  });

  it('refuses bytes that are not UTF-8', async () => {
    await using folder = await makeFolder();
    const { writeFile } = await import('node:fs/promises');
    await writeFile(join(folder.path, 'qwex.yaml'), Buffer.from([0x6e, 0xff]));
    expect(await messageFrom(() => loadWorkspace(folder.path))).toContain('not valid UTF-8');
  });
});

describe('errors in a config', () => {
  it.each([
    [
      'name: a\n\n# comment\nartifacts:\n  max_file_size_mb: 1\n\n  watch_directory: [out]\n',
      '.qwex/config.yaml:7: unknown key "watch_directory" under artifacts; did you mean "watch_directories"?',
    ],
    ['source: {dirty: ask}', '.qwex/config.yaml:1: source.dirty must be "refuse" or "snapshot", not "ask"'],
    [
      'source: {dirty: refused}',
      '.qwex/config.yaml:1: source.dirty must be "refuse" or "snapshot", not "refused"; did you mean "refuse"?',
    ],
    ['source:\n  links: data', '.qwex/config.yaml:2: source.links must be a list, not "data"'],
    [
      'source:\n  links:\n  - data\n  - ../x\n',
      '.qwex/config.yaml:4: source.links[1] must be a path inside the workspace (relative, without ".."), not "../x"',
    ],
    [
      `artifacts: { watch_directories: [${'x'.repeat(256)}] }`,
      '.qwex/config.yaml:1: artifacts.watch_directories[0] is too long: a name has at most 255 bytes, and the whole path 3072',
    ],
    ['- a\n', '.qwex/config.yaml: the file must be a map of keys and values, not a list'],
    [
      'resources:\n  time: 30\n',
      '.qwex/config.yaml:2: resources.time is wrong: the time "30" has no unit (such as 30m or 4h)',
    ],
    ['resources: { gpus: -1 }', '.qwex/config.yaml:1: resources.gpus must be 0 or more, not -1'],
    ['jobs:\n  a:\n    runner: x\n', '.qwex/config.yaml:2: jobs.a.command is missing'],
    [
      'jobs:\n  a:\n    command: x\n    resources:\n      gpu: 1\n',
      '.qwex/config.yaml:5: unknown key "gpu" under jobs.a.resources; did you mean "gpus"?',
    ],
    [
      'runners:\n  hpc: { layer: [a] }',
      '.qwex/config.yaml:2: unknown key "layer" under runners.hpc; did you mean "layers"?',
    ],
    ['runers: {}', '.qwex/config.yaml:1: unknown key "runers"; did you mean "runners"?'],
    [
      'env:\n  A: 1\n  "B C": 2\n',
      '.qwex/config.yaml:3: env.B C must be the name of an environment variable',
    ],
    ['name: x/y', '.qwex/config.yaml:1: name can\'t be "x/y": it contains a slash'],
    [
      'name: repos',
      '.qwex/config.yaml:1: name can\'t be "repos": qwex keeps files of its own under that name',
    ],
    [
      'env:\n  V: 3.10\n',
      '.qwex/config.yaml:2: 3.10 is read as the number 3.1; write "3.10" in quotes, or 3.1',
    ],
    ['a: 1\nname: x\nname: y\n', '.qwex/config.yaml:3: the key "name" is there twice'],
    [
      'runners: { base: {} }',
      ".qwex/config.yaml:1: runners.base can't be defined: base is the runner without layers",
    ],
    [
      'runners:\n  x:\n    layers: [a,\n      a]\n',
      '.qwex/config.yaml:4: runners.x.layers[1] names "a" twice; define the second use under layers with a name of its own',
    ],
    [
      'storage: { code: { type: mount } }\nrunners:\n  x: { storage: { source: cod } }\n',
      '.qwex/config.yaml:3: runners.x.storage.source names "cod", which is not under storage; did you mean "code"?',
    ],
    [
      'layers: { a: {} }\nplugins:\n  a: {}\n',
      '.qwex/config.yaml:3: plugins.a is defined under layers too; plugins is another word for layers, keep one',
    ],
  ])('%j', async (text, message) => {
    expect(await problemsOf(text)).toBe(message);
  });

  it('are all reported at once, in the order of the file', async () => {
    const lines = (
      await problemsOf('nam: x\nsource:\n  dirty: 1\n  link: []\nresources: { gpus: many }\n')
    ).split('\n');
    expect(lines.map((line) => line.split(':').slice(0, 2).join(':'))).toEqual([
      '.qwex/config.yaml:1',
      '.qwex/config.yaml:3',
      '.qwex/config.yaml:4',
      '.qwex/config.yaml:5',
    ]);
  });

  it('of YAML itself have a line', async () => {
    expect(await problemsOf('name: a\nenv: { A: "x\n')).toMatch(/^\.qwex\/config\.yaml:\d: .*quote/);
  });
});

describe('a config', () => {
  it('may leave sections and layers empty', () => {
    const { config } = parseWorkspaceConfig({
      path: 'c',
      text: 'runners:\nenv:\n  A:\nlayers:\n  nice:\nsource:\n  links:\n',
    });
    expect(config).toMatchObject({ runners: {}, env: {}, source: { links: [] } });
    expect(config.layers).toEqual({ nice: { template: null, values: {} } });
  });

  it('reads plugins as layers, and finds their lines', () => {
    const { config, lineOf } = parseWorkspaceConfig({
      path: 'c',
      text: 'plugins:\n  a:\n    type: nice\n    niceness: 3\n',
    });
    expect(config.layers).toEqual({ a: { template: 'nice', values: { niceness: 3 } } });
    expect(config).not.toHaveProperty('plugins');
    expect(lineOf(['layers', 'a', 'niceness'])).toBe(4);
  });

  it('may use anchors', () => {
    const text =
      'jobs:\n  a:\n    command: x\n    resources: &r { gpus: 1 }\n  b:\n    command: y\n    resources: *r\n';
    const { config, lineOf } = parseWorkspaceConfig({ path: 'c', text });
    expect(config.jobs.b?.resources).toEqual({ gpus: 1 });
    expect(lineOf(['jobs', 'b', 'resources', 'gpus'])).toBe(4);
  });
});
