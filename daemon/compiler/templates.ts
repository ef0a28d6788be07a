// The templates that a workspace can use: its own, and below them the ones that ship with qwex.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIfThere, readdir } from '../../shared/at-once.ts';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { suggestion } from '../config/nearest.ts';
import { formatProblem, type Problem } from '../config/problems.ts';
import { readSource } from '../config/source-file.ts';
import { parseHead, type TemplateHead } from './head.ts';

const SUFFIX = '.sh.j2';
const USER_FOLDER = '.qwex/templates';
/** A name with a leading underscore is a part for others to include, no layer. */
const NAME = /^_?[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export type TemplateOrigin = 'user' | 'built-in';

export interface Template {
  name: string;
  origin: TemplateOrigin;
  /** Relative to the workspace, or marked as built in; for messages. */
  file: string;
  text: string;
}

export type TemplateSet = ReadonlyMap<string, Template>;

export interface TemplateEntry extends TemplateHead {
  name: string;
  origin: TemplateOrigin;
  file: string;
  /** What is wrong with its head; such a template can't be used, and the others can. */
  problem: string | null;
}

/** All templates by name, those of the workspace at `root` first; null: only the built-in ones. */
export async function loadTemplates(root: string | null, builtInFolder: string): Promise<TemplateSet> {
  const builtIn = await readFolder(builtInFolder, 'built-in', (entry) => `built-in ${entry}`);
  const own =
    root === null
      ? []
      : await readFolder(join(root, USER_FOLDER), 'user', (entry) => `${USER_FOLDER}/${entry}`);
  const byName = new Map([...builtIn, ...own].map((template) => [template.name, template]));
  return new Map([...byName].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What `qwex templates` shows: the layers that can be had, without the parts that others include. */
export function listTemplates(templates: TemplateSet): TemplateEntry[] {
  return [...templates.values()].filter(({ name }) => !name.startsWith('_')).map(entryOf);
}

/** Copies a built-in template into the workspace. Returns the relative path that was written. */
export async function addTemplate(root: string, name: string, builtInFolder: string): Promise<string> {
  const templates = await loadTemplates(null, builtInFolder);
  const template = templates.get(name);
  if (template === undefined) {
    const layers = listTemplates(templates).map((entry) => entry.name);
    throw new QwexError({
      code: 'not_found',
      message: `there is no built-in template "${name}"${suggestion(name, layers)}`,
      hint: '`qwex templates` lists them',
    });
  }
  const path = `${USER_FOLDER}/${name}${SUFFIX}`;
  await mkdir(join(root, USER_FOLDER), { recursive: true });
  try {
    await writeFile(join(root, path), template.text, { flag: 'wx' });
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    throw new QwexError({
      code: 'conflict',
      message: `${path} exists already, and it may hold your changes`,
      hint: `to overwrite it: qwex add --force ${name}`,
    });
  }
  return path;
}

async function readFolder(
  folder: string,
  origin: TemplateOrigin,
  label: (entry: string) => string,
): Promise<Template[]> {
  const entries = origin === 'user' ? namesIfThere(folder) : await readdir(folder);
  const names = entries
    .filter((entry) => entry.endsWith(SUFFIX))
    .map((entry) => entry.slice(0, -SUFFIX.length))
    .filter((name) => NAME.test(name));
  const templates = await Promise.all(
    names.map(async (name): Promise<Template[]> => {
      const file = label(`${name}${SUFFIX}`);
      const source = await readSource(join(folder, `${name}${SUFFIX}`), file);
      return source === null ? [] : [{ name, origin, file, text: source.text }];
    }),
  );
  return templates.flat();
}

function entryOf({ name, origin, file, text }: Template): TemplateEntry {
  const { head, problems } = parseHead({ path: file, text });
  return { ...head, name, origin, file, problem: problemText(problems) };
}

function problemText(problems: readonly Problem[]): string | null {
  return problems.length === 0 ? null : problems.map(formatProblem).join('\n');
}
