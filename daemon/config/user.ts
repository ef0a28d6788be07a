// The user's own settings, $QWEX_HOME/config.yaml. Written with their comments kept, in one rename,
// readable by nobody else.
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Document, isMap, parse, parseDocument } from 'yaml';
import { type UserConfig, type UserConfigKey, userConfigSchema } from '../../shared/config.ts';
import { isErrno, messageOf, QwexError } from '../../shared/errors.ts';
import { userConfigFile } from '../../shared/paths.ts';
import { suggestion } from './nearest.ts';
import { problemsError } from './problems.ts';
import { readSource, type SourceFile } from './source-file.ts';
import { validate } from './validate.ts';
import { parseYaml } from './yaml-file.ts';

export const USER_CONFIG_KEYS = Object.keys(userConfigSchema.shape) as UserConfigKey[];

/** The settings in `home`, defaults filled in, `~` expanded. Throws `invalid_config` with every problem. */
export async function loadUserConfig(home: string): Promise<UserConfig> {
  return parseUserConfig(await currentSource(home));
}

/** One setting, or all of them without a key. Throws `usage` for an unknown key. */
export async function getUserConfig(home: string, key?: string): Promise<Partial<UserConfig>> {
  const config = await loadUserConfig(home);
  if (key === undefined) return config;
  const known = checkedKey(key);
  return known === 'grace' ? { graceMs: config.graceMs } : { [known]: config[known] };
}

/**
 * Changes one setting (null: back to the default) and returns all of them. `value` is as typed on a
 * command line. Nothing is written unless the whole file is valid afterwards.
 */
export async function setUserConfig(home: string, key: string, value: string | null): Promise<UserConfig> {
  const known = checkedKey(key);
  const source = await currentSource(home);
  parseUserConfig(source);
  const document = parseDocument(source.text);
  if (value === null) document.delete(known);
  else setKeepingComment(document, known, typedValue(value));
  const text = emptied(document) ? '' : document.toString();
  const config = parseUserConfig({ path: source.path, text }, key, value);
  await writePrivate(source.path, text);
  return config;
}

async function currentSource(home: string): Promise<SourceFile> {
  const path = userConfigFile(home);
  return (await readSource(path, path)) ?? { path, text: '' };
}

function parseUserConfig(source: SourceFile, key?: string, value?: string | null): UserConfig {
  const { yaml, problems } = parseYaml(source);
  if (problems.length > 0) throw problemsError('invalid_config', problems);
  const given = typeof yaml.value === 'object' && yaml.value !== null && !Array.isArray(yaml.value);
  const present = given
    ? Object.fromEntries(Object.entries(yaml.value ?? {}).filter(([, inner]) => inner !== null))
    : (yaml.value ?? {});
  const checked = validate(userConfigSchema, { ...yaml, value: present });
  if (!checked.ok) {
    if (key === undefined) throw problemsError('invalid_config', checked.problems);
    throw new QwexError({
      code: 'usage',
      message: `can't set ${key} to ${JSON.stringify(value)}: ${checked.problems.map((problem) => problem.message).join('; ')}`,
      hint: 'nothing was changed',
    });
  }
  const { grace, box, spaces, runs, ...rest } = checked.value;
  return {
    ...rest,
    graceMs: grace,
    ...(box === undefined ? {} : { box: expandHome(box) }),
    ...(spaces === undefined ? {} : { spaces: expandHome(spaces) }),
    ...(runs === undefined ? {} : { runs: expandHome(runs) }),
  };
}

function checkedKey(key: string): UserConfigKey {
  const known = USER_CONFIG_KEYS.find((candidate) => candidate === key);
  if (known !== undefined) return known;
  throw new QwexError({
    code: 'usage',
    message: `there is no setting "${key}"${suggestion(key, USER_CONFIG_KEYS)}`,
    hint: `the settings are ${USER_CONFIG_KEYS.join(', ')}`,
  });
}

/** `4` is a number, `30s` and `/data/box` are texts, as they would be in the file. */
function typedValue(value: string): unknown {
  try {
    const parsed: unknown = parse(value);
    return typeof parsed === 'number' || typeof parsed === 'boolean' ? parsed : value;
  } catch (error) {
    throw new QwexError({
      code: 'usage',
      message: `can't read ${JSON.stringify(value)}: ${messageOf(error)}`,
      cause: error,
    });
  }
}

/** A file that holds only comments has no map to add to; its comments stay on top. */
function setKeepingComment(document: Document, key: string, value: unknown): void {
  if (!isMap(document.contents)) document.contents = document.createNode({});
  document.set(key, value);
}

function emptied(document: Document): boolean {
  const none =
    document.contents === null || (isMap(document.contents) && document.contents.items.length === 0);
  return none && document.comment === null && document.commentBefore === null;
}

function expandHome(path: string): string {
  return path === '~' ? homedir() : path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
}

/** tmp + fsync + rename beside the real file: a config that is a link into someone's dotfiles stays one. */
async function writePrivate(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const target = await realpath(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return path;
    throw error;
  });
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    // The mode above only counts for a new file; one left by a crash may have another.
    await chmod(temporary, 0o600);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
