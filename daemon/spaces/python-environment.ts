// Where a Python started with the submitter's environment would look for installed packages. Reads files and folders
// only: no Python is started, as this is on the way of every run.

import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { readdir, readFile, realpath } from '../../shared/at-once.ts';

export interface PythonRequest {
  environment: Readonly<Record<string, string | undefined>>;
  /** Of the workspace: its .venv is what `uv run` and the like would use. */
  root: string;
  /** The command's own interpreter or script when it is given as a path (`envs/a/bin/python`), absolute. */
  program?: string;
}

/** Existing site-packages folders, without symlinks and without repetition. */
export async function sitePackages({ environment, root, program }: PythonRequest): Promise<string[]> {
  const { VIRTUAL_ENV = '', CONDA_PREFIX = '', HOME = '' } = environment;
  const given = [VIRTUAL_ENV, CONDA_PREFIX].filter(isAbsolute);
  if (program !== undefined) given.push(dirname(dirname(program)));
  const prefixes = new Set([
    ...given,
    ...(await prefixesOnPath(environment.PATH ?? '')),
    join(root, '.venv'),
  ]);
  for (const prefix of [...prefixes]) {
    for (const base of await basePrefixes(prefix)) prefixes.add(base);
  }
  if (isAbsolute(HOME)) prefixes.add(join(HOME, '.local'));
  const found = await Promise.all([...prefixes].map(packagesBelow));
  return [...new Set(found.flat())];
}

// The first python and the first python3 on the PATH: a link to a link is normal (conda, pyenv, Debian).
async function prefixesOnPath(path: string): Promise<string[]> {
  const folders = path.split(delimiter).filter(isAbsolute);
  const found = await Promise.all(['python', 'python3'].map((name) => firstIn(folders, name)));
  const programs = found.filter((program) => program !== null);
  const real = await Promise.all(programs.map((program) => realpath(program)));
  const prefixes = [...programs, ...real].map((program) => dirname(dirname(program)));
  return prefixes.flatMap((prefix) => [prefix, join(prefix, 'local')]); // /usr/local for Debian's /usr/bin/python3
}

async function firstIn(folders: string[], name: string): Promise<string | null> {
  for (const folder of folders) {
    const program = join(folder, name);
    if ((await realpath(program).catch(() => null)) !== null) return program;
  }
  return null;
}

// A venv may see the packages of the Python that it was made from.
async function basePrefixes(prefix: string): Promise<string[]> {
  const config = await readFile(join(prefix, 'pyvenv.cfg'), 'utf8').catch(() => '');
  const home = /^home\s*=\s*(.+)$/m.exec(config)?.[1]?.trim();
  const seesThem = /^include-system-site-packages\s*=\s*true\s*$/im.test(config);
  return home !== undefined && seesThem ? [dirname(home), join(dirname(home), 'local')] : [];
}

async function packagesBelow(prefix: string): Promise<string[]> {
  const lib = join(prefix, 'lib');
  const versions = (await readdir(lib).catch(() => [])).filter((name) => /^(?:python|pypy)\d/.test(name));
  const folders = versions.flatMap((name) =>
    ['site-packages', 'dist-packages'].map((packages) => join(lib, name, packages)),
  );
  const real = await Promise.all(folders.map((folder) => realpath(folder).catch(() => null)));
  return real.filter((folder) => folder !== null);
}
