import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DEPTHS, type Fixture, makeFixture, NESTING } from './fixture.ts';

const run = promisify(execFile);
const RUNNERS = ['depth0', 'depth1', 'depth2', 'depth3', 'depth4', 'other4'];

const piece = fc.constantFrom(
  "'",
  "''",
  '"',
  '\\',
  '\\\\',
  '\n',
  '\r\n',
  '\t',
  ' ',
  '$',
  '$HOME',
  '$' + '{x#y}',
  '$(id)',
  '`id`',
  '!',
  '!!',
  '*',
  '?',
  '[a]',
  '{a,b}',
  '~',
  '#',
  '#}',
  '{#',
  '{{ inner }}',
  '{{',
  '}}',
  '{% raw %}',
  '%}',
  '%s',
  '%%',
  '&',
  '&&',
  '|',
  ';',
  '<',
  '>',
  '(',
  ')',
  '-n',
  '--',
  '=',
  'A=b',
  'EOF',
  '\x01',
  '\x7f',
  '\u2028',
  'é',
  '漢字',
  '😀',
  'a\u0301',
  '\ufeff',
);
const word = fc
  .oneof(
    fc.array(piece, { maxLength: 6 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary', maxLength: 12 }),
  )
  .filter((text) => !text.includes('\0') && text.isWellFormed());
// printf of coreutils writes each argument and a NUL; without an argument it would write one NUL.
const argv = fc.array(word, { minLength: 1, maxLength: 5 });

/** Compiles each argv for each runner, and runs all of the scripts from one shell. */
async function outputs(fixture: Fixture, argvs: readonly string[][]): Promise<string[][]> {
  const files: string[] = [];
  for (const [index, words] of argvs.entries()) {
    for (const runner of RUNNERS) {
      const { script } = await fixture.compile(['printf', '%s\\0', ...words], { runner });
      files.push(`${index}.${runner}`);
      await fixture.write(`scripts/${index}.${runner}`, script);
    }
  }
  const folder = join(fixture.path, 'scripts');
  await run('bash', ['-c', 'for script in *; do bash "$script" >"$script.out" </dev/null || exit; done'], {
    cwd: folder,
  });
  return Promise.all(
    files.map(async (file) => (await readFile(join(folder, `${file}.out`), 'utf8')).split('\0').slice(0, -1)),
  );
}

it('brings every argument to the program unchanged, at every depth', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(argv, { minLength: 12, maxLength: 12 }), async (argvs) => {
      await using fixture = await makeFixture({ 'qwex.yaml': DEPTHS, ...NESTING });
      const expected = argvs.flatMap((words) => RUNNERS.map(() => words));
      expect(await outputs(fixture, argvs)).toEqual(expected);
    }),
    { numRuns: 4, endOnFailure: true },
  );
});

it('brings the hard cases', async () => {
  const argvs = [
    [''],
    ['', ''],
    ["'"],
    ["''\\''"],
    ['\n'],
    ['a\n'],
    ['{{ inner | quote }}'],
    ['-n'],
    ['--'],
    ['x'.repeat(20_000)],
  ];
  await using fixture = await makeFixture({ 'qwex.yaml': DEPTHS, ...NESTING });
  expect(await outputs(fixture, argvs)).toEqual(argvs.flatMap((words) => RUNNERS.map(() => words)));
});

it.each(RUNNERS)('runs a program with a leading dash or an awkward name (%s)', async (runner) => {
  await using fixture = await makeFixture({ 'qwex.yaml': DEPTHS, ...NESTING });
  for (const name of ['-dash', 'A=b', 'if', "quo'te", 'sp ace']) {
    await fixture.write(`bin/${name}`, '#!/bin/sh\necho "ran $1"\n', 0o755);
    // coreutils env, in one of the templates, takes an A=b for an assignment whatever comes before it.
    if (runner === 'other4' && name === 'A=b') continue;
    const { script } = await fixture.compile([name, 'it'], { runner });
    await fixture.write('script.sh', script);
    const path = `${join(fixture.path, 'bin')}:${process.env.PATH}`;
    const { stdout } = await run('bash', ['script.sh'], {
      cwd: fixture.path,
      env: { ...process.env, PATH: path },
    });
    expect(stdout).toBe('ran it\n');
  }
});

it('refuses what no argument can hold', async () => {
  await using fixture = await makeFixture();
  for (const bad of ['a\0b', '\ud800']) {
    await expect(fixture.compile(['echo', bad])).rejects.toMatchObject({ code: 'compile_failed' });
  }
});
