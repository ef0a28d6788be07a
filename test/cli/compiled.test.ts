import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCompiled } from '../../cli/compiled.ts';

let place: string;
let folder: string;
let file: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'qwex-compiled-'));
  folder = join(place, 'cache', 'qwex');
  file = join(place, 'program.cjs');
  await write('one');
});
afterEach(() => rm(place, { recursive: true }));

const write = (word: string) =>
  writeFile(
    file,
    `const { join } = require('node:path');\nexports.say = () => join('${word}', __filename);\n`,
  );

function say(build: string, command = 'list', kept: string | null = folder): string {
  const compiled = runCompiled({ file, build, command }, kept, createRequire(import.meta.url));
  const said = (compiled.exports as { say: () => string }).say();
  compiled.keep();
  return said;
}

test('a program runs as one that is required, from its source and from what was compiled', async () => {
  expect(say('build')).toBe(`one${file}`);
  const made = await stat(join(folder, 'build.list'));
  expect(made.mode & 0o777).toBe(0o600);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect(say('build')).toBe(`one${file}`);
  expect((await stat(join(folder, 'build.list'))).ino).toBe(made.ino);
  expect(say('build', 'run')).toBe(`one${file}`);
  expect(await readdir(folder)).toEqual(['build.list', 'build.run']);
});

test('another build of the same length is not taken for the one that was compiled', async () => {
  say('first');
  await write('two');
  expect(say('second')).toBe(`two${file}`);
  expect(await readdir(folder)).toEqual(['first.list', 'second.list']);
});

test('what an older build has left goes when it was not made anew for a week', async () => {
  say('first');
  await mkdir(join(folder, 'v24-of-another-time'));
  const old = new Date(Date.now() - 8 * 24 * 3_600_000);
  for (const name of ['first.list', 'v24-of-another-time']) await utimes(join(folder, name), old, old);
  say('second');
  expect(await readdir(folder)).toEqual(['second.list']);
});

test('garbage in the place of compiled code is replaced', async () => {
  say('build');
  const kept = join(folder, 'build.list');
  const good = await readFile(kept);
  const bads = ['', 'garbage', good.subarray(0, good.length / 2)];
  for (const [index, bad] of bads.entries()) {
    // This process remembers what it has compiled itself.
    await write(`${index}`);
    await writeFile(kept, bad);
    expect(say('build')).toBe(`${index}${file}`);
    expect((await readFile(kept)).length).toBeGreaterThan(good.length / 2);
  }
});

test('what others could have written is not run', async () => {
  say('build');
  const kept = join(folder, 'build.list');
  await chmod(kept, 0o622);
  expect(say('build')).toBe(`one${file}`);
  expect((await stat(kept)).mode & 0o777).toBe(0o600);
});

test('nothing is kept without a folder, or where none can be made', async () => {
  expect(say('build', 'list', null)).toBe(`one${file}`);
  expect(say('build', 'list', join(file, 'not a folder'))).toBe(`one${file}`);
  expect(await readdir(place)).toEqual(['program.cjs']);
});
