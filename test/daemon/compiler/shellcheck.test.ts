import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lacks } from '../../rig/needs.ts';
import { BUILT_IN, makeFixture } from './fixture.ts';

// Every value of every built-in template, and stacks in both orders; inner scripts are strings to
// shellcheck, so each suffix of a stack is checked as a script of its own.
const CONFIG = `layers:
  bare: { template: env }
  full: { template: env, variables: { A: b }, modules: [m], conda: c, conda_exe: ~/c, uv: ., venv: .venv }
  conda: { template: env, conda: c }
  plain: { template: nice }
  disk: { template: nice, niceness: 3, ionice: idle }
runners:
  a: { layers: [full, disk, bare, plain] }
  b: { layers: [disk, bare, plain] }
  c: { layers: [bare, plain] }
  d: { layers: [plain, full] }
`;

it.skipIf(lacks('shellcheck'))('finds nothing in any built-in template, at any nesting', async () => {
  await using fixture = await makeFixture({ 'qwex.yaml': CONFIG });
  const files: string[] = [];
  for (const runner of ['base', 'bare', 'full', 'conda', 'plain', 'disk', 'a', 'b', 'c', 'd']) {
    const { script } = await fixture.compile(['python', 'a.py', '$x', "it's"], { runner });
    await fixture.write(`${runner}.sh`, script);
    files.push(join(fixture.path, `${runner}.sh`));
  }
  const checked = spawnSync('shellcheck', ['--norc', '--enable=quote-safe-variables', ...files], {
    encoding: 'utf8',
  });
  expect(checked.error).toBeUndefined();
  expect(checked.stdout).toBe('');
  expect(checked.status).toBe(0);
});

it('knows all built-in templates', () => {
  // A new template belongs into the list above.
  expect(readdirSync(BUILT_IN).sort()).toEqual(['_fail.sh.j2', 'env.sh.j2', 'nice.sh.j2']);
});
