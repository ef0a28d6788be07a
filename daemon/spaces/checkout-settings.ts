// What decides about the files of a checkout beside the commit: git's settings, attributes and replaced objects. A space
// is used again only while all of it is as it was, or a `git lfs install` would be without effect.

import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readdir, readFile, stat } from '../../shared/at-once.ts';
import { isErrno } from '../../shared/errors.ts';
import { sha256 } from '../../shared/recipe.ts';
import { git, splitNul } from './git.ts';

interface Known {
  /** Every file that git read settings or attributes from, or would have. */
  files: string[];
  evidence: string;
}

/** One process for each repository, and again when its settings have changed. */
export class CheckoutSettings {
  readonly #known = new Map<string, Known>();

  /**
   * A text that is the same as long as all of it is; null where a space must not be used again: an attribute names a
   * filter, objects are replaced, or it can't be told.
   */
  async describe(commonDir: string): Promise<string | null> {
    if (await hasReplacements(commonDir)) return null;
    const known = this.#known.get(commonDir);
    if (known !== undefined && known.evidence === (await look(known.files))) return known.evidence;
    this.#known.delete(commonDir);
    const found = await settingsFiles(commonDir);
    if (found === null || (await namesFilter(found.attributes))) return null;
    const files = [...found.settings, ...found.attributes];
    const evidence = await look(files);
    this.#known.set(commonDir, { files, evidence });
    return evidence;
  }
}

async function settingsFiles(commonDir: string): Promise<Record<'settings' | 'attributes', string[]> | null> {
  const home = process.env.HOME || homedir();
  const user = join(process.env.XDG_CONFIG_HOME || join(home, '.config'), 'git');
  const own = ['config', 'config.worktree', 'info/exclude', 'info/sparse-checkout', 'info/grafts'];
  const settings = new Set([...own.map((name) => join(commonDir, name)), '/etc/gitconfig']);
  settings.add(join(home, '.gitconfig')).add(join(user, 'config'));
  const attributes = new Set([join(commonDir, 'info', 'attributes'), join(user, 'attributes')]);
  attributes.add('/etc/gitattributes');
  const listed = splitNul(await git({ cwd: commonDir, args: ['config', '--list', '--show-origin', '-z'] }));
  for (let at = 0; at + 1 < listed.length; at += 2) {
    const origin = /^file:(.*)$/s.exec(listed[at] ?? '')?.[1];
    if (origin === undefined) continue; // ours, on the command line
    const from = resolve(commonDir, origin);
    settings.add(from);
    const [, key = '', value = ''] = /^([^\n]*)\n(.*)$/s.exec(listed[at + 1] ?? '') ?? [];
    const isInclude = /^include(if\..*)?\.path$/i.test(key);
    if (!isInclude && key !== 'core.attributesfile') continue;
    if (/^(~[^/]|%\()/.test(value)) return null; // another's home, git's own prefix
    const file = value.startsWith('~/') ? join(home, value.slice(2)) : resolve(dirname(from), value);
    (isInclude ? settings : attributes).add(file);
  }
  return { settings: [...settings], attributes: [...attributes] };
}

async function look(files: readonly string[]): Promise<string> {
  const seen = await Promise.all(files.map(async (file) => [file, await describeFile(file)]));
  return sha256(JSON.stringify([process.umask(), seen]));
}

async function describeFile(file: string): Promise<number[] | null> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(file);
    return [dev, ino, size, mtimeMs, ctimeMs];
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

async function namesFilter(attributes: readonly string[]): Promise<boolean> {
  const texts = await Promise.all(attributes.map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts.some((text) => text.includes('filter'));
}

async function hasReplacements(commonDir: string): Promise<boolean> {
  const loose = await readdir(join(commonDir, 'refs', 'replace')).catch(() => []);
  if (loose.length > 0) return true;
  const packed = await readFile(join(commonDir, 'packed-refs'), 'latin1').catch(() => '');
  return packed.includes(' refs/replace/');
}
