import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { addTemplate, listTemplates, loadTemplates } from '../../../daemon/compiler/index.ts';
import { BUILT_IN, makeFixture } from './fixture.ts';

it('lists layers with what they declare, and without the parts of others', async () => {
  await using fixture = await makeFixture({
    'env.sh.j2': '{# qwex\ndescription: mine\nvariables: { conda: }\n#}\n{{ inner }}',
    'broken.sh.j2': '{# qwex\nnonsense: 1\n#}\n{{ inner }}',
    '_part.sh.j2': 'x',
    '.qwex/templates/notes.txt': 'x',
    '.qwex/templates/.hidden.sh.j2': 'x',
  });
  const entries = listTemplates(await loadTemplates(fixture.path, BUILT_IN));
  expect(entries.map(({ name, origin }) => `${name} ${origin}`)).toEqual([
    'broken user',
    'env user',
    'nice built-in',
  ]);
  expect(entries[0]?.problem).toContain('.qwex/templates/broken.sh.j2:2: unknown key "nonsense"');
  expect(entries[1]).toMatchObject({
    description: 'mine',
    problem: null,
    variables: { conda: { required: false } },
  });
  expect(entries[2]).toMatchObject({
    resumable: 'inherit',
    needs: ['nice'],
    variables: { niceness: { default: 10 } },
  });
});

it('a broken template stops nothing but itself', async () => {
  await using fixture = await makeFixture({ 'broken.sh.j2': '{# qwex\nnonsense: 1\n#}\n{% if %}' });
  await expect(fixture.compile(['true'], { runner: 'broken' })).rejects.toMatchObject({
    code: 'compile_failed',
  });
  expect((await fixture.compile(['true'], { runner: 'nice' })).layers).toHaveLength(1);
});

it('every built-in template explains itself', async () => {
  for (const entry of listTemplates(await loadTemplates(null, BUILT_IN))) {
    expect(entry).toMatchObject({
      origin: 'built-in',
      problem: null,
      description: expect.stringMatching(/\w/),
    });
    for (const [name, variable] of Object.entries(entry.variables ?? {})) {
      expect(variable.help, `${entry.name}.${name}`).not.toBe('');
    }
  }
});

it('copies a built-in template, once', async () => {
  await using fixture = await makeFixture();
  expect(await addTemplate(fixture.path, 'env', BUILT_IN)).toBe('.qwex/templates/env.sh.j2');
  const copy = join(fixture.path, '.qwex/templates/env.sh.j2');
  expect(await readFile(copy, 'utf8')).toBe(await readFile(join(BUILT_IN, 'env.sh.j2'), 'utf8'));
  const { layers } = await fixture.compile(['true'], { runner: 'env' });
  expect(layers[0]?.origin).toBe('user');
  await expect(addTemplate(fixture.path, 'env', BUILT_IN)).rejects.toMatchObject({ code: 'conflict' });
  await expect(addTemplate(fixture.path, 'evn', BUILT_IN)).rejects.toMatchObject({
    code: 'not_found',
    message: 'there is no built-in template "evn"; did you mean "env"?',
  });
  await expect(addTemplate(fixture.path, '../env', BUILT_IN)).rejects.toMatchObject({ code: 'not_found' });
});

it('does not hang on a fifo', async () => {
  await using fixture = await makeFixture({ '.qwex/templates/a': '' });
  execFileSync('mkfifo', [join(fixture.path, '.qwex/templates/x.sh.j2')]);
  await expect(loadTemplates(fixture.path, BUILT_IN)).rejects.toMatchObject({
    message: 'cannot read .qwex/templates/x.sh.j2: it is not a regular file',
  });
});
