// The compiler from the command line, and the folder it reads: compile, templates, add, init.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { Compiled, InitResponse, TemplatesResponse } from '../../shared/schemas/local.ts';
import { Rig } from '../rig/rig.ts';

const CONFIG = `
defaults: { runner: gentle }
runners:
  gentle: { layers: [env, nice] }
layers:
  env: { variables: { GREETING: "it's $HOME" } }
  nice: { niceness: 7 }
`;

test('compile prints a script that does what the run would do', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ '.qwex/config.yaml': CONFIG });
  const words = ['--', 'sh', '-c', 'echo "$GREETING"; nice'];
  const script = await rig.ok(['compile', ...words], { cwd: repo.root });
  expect((await rig.shell('bash', { input: script })).stdout).toBe("it's $HOME\n7\n");
  const id = await rig.submit(repo, ...words);
  await rig.ended(id);
  expect(await rig.runFile(id, 'logs/stdout.log')).toBe("it's $HOME\n7\n");
  const base = await rig.json<Compiled>(['compile', '-r', 'base', '--', 'true'], { cwd: repo.root });
  expect(base).toMatchObject({ runner: 'base', layers: [] });
  expect((await rig.client.list()).runs).toHaveLength(1);
});

test('a mistake in config or template is told with its file and line, before anything is queued', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ '.qwex/config.yaml': 'name: x\nsorce:\n  dirty: refuse\n' });
  const unknown = await rig.qwex(['run', '--', 'true'], { cwd: repo.root });
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toMatch(/\.qwex\/config\.yaml:2.*sorce.*source/s);
  await repo.commit({
    '.qwex/config.yaml': 'layers: { mine: {} }\n',
    '.qwex/templates/mine.sh.j2': 'echo\n{{ job.nothing }}\n{{ inner }}\n',
  });
  const strict = await rig.qwex(['run', '-r', 'mine', '--', 'true'], { cwd: repo.root });
  expect(strict.code).toBe(2);
  expect(strict.stderr).toMatch(/mine\.sh\.j2:2.*nothing/s);
  const runner = await rig.qwex(['run', '-r', 'minne', '--', 'true'], { cwd: repo.root });
  expect(runner.code).toBe(3);
  expect(runner.stderr).toContain('mine');
  await repo.write({ 'qwex.yaml': 'name: two\n' });
  expect((await rig.qwex(['compile', '--', 'true'], { cwd: repo.root })).code).toBe(2);
  expect((await rig.client.list()).runs).toEqual([]);
});

test('a target lays private values over a runner', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ '.qwex/config.yaml': CONFIG, '.qwex/.gitignore': 'targets/\n' });
  await repo.write({ '.qwex/targets/gentle.yaml': 'nice: { niceness: 3 }\n' });
  const script = await rig.ok(['compile', '--', 'nice'], { cwd: repo.root });
  expect((await rig.shell('bash', { input: script })).stdout).toBe('3\n');
});

test('init writes a folder to begin with, and touches nothing that is there', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const first = await rig.json<InitResponse>(['init'], { cwd: repo.root });
  expect(first.root).toBe(repo.root);
  expect(first.created).toContain('.qwex/config.yaml');
  await repo.write({ '.qwex/config.yaml': 'name: mine\n' });
  const again = await rig.json<InitResponse>(['init'], { cwd: repo.root });
  expect(again.created).toEqual([]);
  expect(await readFile(repo.path('.qwex/config.yaml'), 'utf8')).toBe('name: mine\n');
  await repo.commit();
  const id = await rig.submit(repo, '--', 'true');
  expect(await rig.ended(id)).toMatchObject({ status: 'succeeded', workspace: 'mine' });
});

test('what init wrote is a valid config', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  await rig.ok(['init'], { cwd: repo.root });
  await repo.commit();
  const id = await rig.submit(repo, '--', 'true');
  expect((await rig.ended(id)).status).toBe('succeeded');
});

test('add makes a template yours, and yours counts first', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ '.qwex/config.yaml': CONFIG });
  const before = await rig.json<TemplatesResponse>(['templates'], { cwd: repo.root });
  expect(before.templates.map(({ name, origin }) => [name, origin])).toContainEqual(['nice', 'built-in']);
  expect(before.runners.map(({ name }) => name)).toContain('gentle');
  expect(await rig.ok(['add', 'nice'], { cwd: repo.root })).toContain('nice.sh.j2');
  const path = repo.path('.qwex/templates/nice.sh.j2');
  await repo.write({ '.qwex/templates/nice.sh.j2': `${await readFile(path, 'utf8')}\n# mine\n` });
  const refused = await rig.qwex(['add', 'nice'], { cwd: repo.root });
  expect(refused.code).toBe(5);
  expect(refused.stderr).toContain('--force');
  const after = await rig.json<TemplatesResponse>(['templates'], { cwd: repo.root });
  expect(after.templates.find(({ name }) => name === 'nice')).toMatchObject({ origin: 'user' });
  expect(await rig.ok(['compile', '--', 'true'], { cwd: repo.root })).toContain('# mine');
  expect((await rig.qwex(['add', 'nonsense'], { cwd: repo.root })).code).toBe(3);
  expect(await rig.ok(['templates'], { cwd: repo.root })).toMatch(/nice +user/);
});
