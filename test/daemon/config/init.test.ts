import { execFileSync } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { initialConfig, initWorkspace, loadWorkspace } from '../../../daemon/config/index.ts';
import { parseWorkspaceConfig } from '../../../daemon/config/workspace.ts';
import { workspaceConfigSchema } from '../../../shared/config.ts';
import { makeFolder } from './folder.ts';

/** The file as it is when someone uncomments every key. */
const uncommented = (text: string): string => text.replace(/^# (?=\s*[a-z_]+:)/gm, '');

it('writes a config that is valid as it is and with every key uncommented', () => {
  const defaults = parseWorkspaceConfig({ path: 'c', text: '' }).config;
  expect(parseWorkspaceConfig({ path: 'c', text: initialConfig(null) }).config).toEqual(defaults);
  const { config } = parseWorkspaceConfig({ path: 'c', text: uncommented(initialConfig(null)) });
  const { source, artifacts, defaults: runner } = defaults;
  expect(config).toMatchObject({ name: 'my-project', source, artifacts, defaults: runner });
  expect(config.jobs.train).toEqual({
    command: 'python train.py',
    runner: 'polite',
    resources: { gpus: 1, timeMs: 14_400_000 },
  });
});

it('mentions every key', () => {
  const shown = parse(uncommented(initialConfig(null))) as Record<string, Record<string, unknown>>;
  // plugins is an old word for layers; storage has nothing to say before there are remote layers.
  const later = ['plugins', 'storage'];
  const keys = Object.keys(workspaceConfigSchema.shape).filter((key) => !later.includes(key));
  expect(Object.keys(shown).sort()).toEqual(keys.sort());
  const filled = workspaceConfigSchema.parse({});
  for (const section of ['source', 'artifacts', 'defaults'] as const) {
    expect(Object.keys(shown[section] ?? {})).toEqual(Object.keys(filled[section]));
  }
  expect(Object.keys(shown.resources ?? {})).toEqual(['gpus', 'gpu_type', 'time']);
});

it('says what it wrote, and writes nothing twice', async () => {
  await using folder = await makeFolder();
  expect(await initWorkspace(folder.path, { name: 'my "own"' })).toEqual({
    written: ['.qwex/', '.qwex/templates/', '.qwex/targets/', '.qwex/.gitignore', '.qwex/config.yaml'],
    kept: [],
  });
  expect((await loadWorkspace(folder.path)).name).toBe('my "own"');
  expect((await stat(join(folder.path, '.qwex/targets'))).mode & 0o777).toBe(0o700);
  await folder.write('.qwex/config.yaml', 'name: mine\n');
  expect(await initWorkspace(folder.path)).toEqual({
    written: [],
    kept: ['.qwex/', '.qwex/templates/', '.qwex/targets/', '.qwex/.gitignore', '.qwex/config.yaml'],
  });
  expect(await readFile(join(folder.path, '.qwex/config.yaml'), 'utf8')).toBe('name: mine\n');
});

it('keeps a qwex.yaml, and refuses a name that no folder can have', async () => {
  await using folder = await makeFolder({ 'qwex.yaml': 'name: x\n' });
  expect((await initWorkspace(folder.path)).kept).toEqual(['qwex.yaml']);
  expect((await loadWorkspace(folder.path)).file).toBe('qwex.yaml');
  await expect(initWorkspace(folder.path, { name: 'a/b' })).rejects.toMatchObject({ code: 'invalid_config' });
});

it('hides targets and a home kept there from git, and nothing else', async () => {
  await using folder = await makeFolder({
    '.qwex/targets/hpc.yaml': 'x',
    '.qwex/qwex.db': 'x',
    '.qwex/templates/a.sh.j2': 'x',
  });
  await initWorkspace(folder.path);
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: folder.path, encoding: 'utf8' });
  git('init', '-q');
  expect(git('ls-files', '--others', '--exclude-standard').trim().split('\n').sort()).toEqual([
    '.qwex/.gitignore',
    '.qwex/config.yaml',
    '.qwex/templates/a.sh.j2',
  ]);
});
