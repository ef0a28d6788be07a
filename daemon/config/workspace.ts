// Reads what a workspace says about itself. Never needs a file to exist: a bare git repository works
// with the defaults. Reads the working tree only; never writes.
import { basename, join } from 'node:path';
import { namesIfThere } from '../../shared/at-once.ts';
import {
  NAME_PATTERN,
  type WorkspaceConfig,
  type WorkspaceConfigFile,
  workspaceConfigSchema,
} from '../../shared/config.ts';
import { QwexError } from '../../shared/errors.ts';
import { type KeyPath, type Problem, problemsError } from './problems.ts';
import { referenceProblems } from './references.ts';
import { readSource, type SourceFile } from './source-file.ts';
import { validate } from './validate.ts';
import { checkedWorkspaceName } from './workspace-name.ts';
import { parseYaml, type YamlFile } from './yaml-file.ts';

export const CONFIG_PATH = '.qwex/config.yaml';
export const ROOT_CONFIG_PATH = 'qwex.yaml';

export interface LoadedWorkspace {
  /** Absolute. */
  root: string;
  /** From the config, else the folder's name; safe as a folder name. */
  name: string;
  config: WorkspaceConfig;
  /** Relative path of the config that was read; null when there is none. */
  file: string | null;
  /** Every file of the config that was read, as it was read. */
  sources: SourceFile[];
  /** Runner → its target file, unparsed: a mistake in one runner's target must not stop another. */
  targets: ReadonlyMap<string, SourceFile>;
  /** Line of a key in `file`; null without a file. */
  lineOf(path: KeyPath): number | null;
}

/** Reads config and targets of the workspace at `root`. Throws `invalid_config` with every problem. */
export async function loadWorkspace(root: string): Promise<LoadedWorkspace> {
  const [nested, top, targets] = await Promise.all([
    readSource(join(root, CONFIG_PATH), CONFIG_PATH),
    readSource(join(root, ROOT_CONFIG_PATH), ROOT_CONFIG_PATH),
    readTargets(root),
  ]);
  if (nested !== null && top !== null) {
    throw new QwexError({
      code: 'invalid_config',
      message: `both ${CONFIG_PATH} and ${ROOT_CONFIG_PATH} exist in ${root}, and only one can count`,
      hint: 'move what you need into one of them and delete the other',
    });
  }
  const source = nested ?? top;
  const { config, lineOf } = parseWorkspaceConfig(source ?? { path: CONFIG_PATH, text: '' });
  return {
    root,
    name: config.name ?? checkedWorkspaceName(basename(root), 'folder'),
    config,
    file: source?.path ?? null,
    sources: source === null ? [] : [source],
    targets,
    lineOf: source === null ? () => null : lineOf,
  };
}

/** The config in `source`, defaults filled in. Throws `invalid_config` with every problem. */
export function parseWorkspaceConfig(source: SourceFile): {
  config: WorkspaceConfig;
  lineOf: (path: KeyPath) => number | null;
} {
  const { yaml, problems } = parseYaml(source);
  if (problems.length > 0) throw problemsError('invalid_config', problems);
  const checked = validate(workspaceConfigSchema, { ...yaml, value: withoutEmptyKeys(yaml.value ?? {}) });
  if (!checked.ok) throw problemsError('invalid_config', checked.problems);
  const wrong = [...mergeProblems(checked.value, yaml), ...referenceProblems(checked.value, yaml)];
  if (wrong.length > 0) throw problemsError('invalid_config', wrong);
  const { plugins, ...config } = checked.value;
  const lineOf = (path: KeyPath): number | null => {
    const [section, layer, ...rest] = path;
    const moved = section === 'layers' && layer !== undefined && Object.hasOwn(plugins, layer);
    return yaml.lineOf(moved ? ['plugins', layer, ...rest] : path);
  };
  return { config: { ...config, layers: { ...config.layers, ...plugins } }, lineOf };
}

/**
 * A key with nothing after it counts as absent, so that a section can stay when all below it is
 * commented out. A layer with nothing after its name is a layer without values.
 */
function withoutEmptyKeys(value: unknown, path: readonly string[] = []): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const isLayerSection = path.length === 1 && (path[0] === 'layers' || path[0] === 'plugins');
  const kept = Object.entries(value)
    .map(([key, inner]) => [key, inner === null && isLayerSection ? {} : inner] as const)
    .filter(([, inner]) => inner !== null)
    .map(([key, inner]) => [key, withoutEmptyKeys(inner, [...path, key])] as const);
  return Object.fromEntries(kept);
}

function mergeProblems(config: WorkspaceConfigFile, yaml: YamlFile): Problem[] {
  return Object.keys(config.plugins)
    .filter((name) => Object.hasOwn(config.layers, name))
    .map((name) => ({
      file: yaml.file,
      line: yaml.lineOf(['plugins', name]),
      message: `plugins.${name} is defined under layers too; plugins is another word for layers, keep one`,
    }));
}

async function readTargets(root: string): Promise<Map<string, SourceFile>> {
  const folder = join(root, '.qwex', 'targets');
  const targets = new Map<string, SourceFile>();
  for (const entry of namesIfThere(folder).sort()) {
    const runner = entry.replace(/\.yaml$/, '');
    if (runner === entry || !NAME_PATTERN.test(runner)) continue;
    const source = await readSource(join(folder, entry), `.qwex/targets/${entry}`);
    if (source !== null) targets.set(runner, source);
  }
  return targets;
}
