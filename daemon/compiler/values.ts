// A layer's values: the template's defaults, over them the config's, over them the target's, and
// checked against what the template declares.
import { z } from 'zod';
import type { Value } from '../../shared/config.ts';
import type { LoadedWorkspace, Problem } from '../config/index.ts';
import { suggestion } from '../config/nearest.ts';
import { formatPath } from '../config/problems.ts';
import { validate } from '../config/validate.ts';
import { parseYaml, type YamlFile } from '../config/yaml-file.ts';
import { type TemplateHead, valueFault } from './head.ts';
import type { LayerUse } from './stack.ts';

const targetSchema = z.record(z.string(), z.record(z.string(), z.json().nullable()).nullable());

export interface Target {
  yaml: YamlFile;
  /** Layer → values that win over the config's; null takes a value of the config away. */
  values: Record<string, Record<string, Value> | null>;
}

/** The runner's target file, checked against its layers; null when it has none. */
export function readTarget(
  workspace: LoadedWorkspace,
  runner: string,
  layers: readonly LayerUse[],
): { target: Target | null; problems: Problem[] } {
  const source = workspace.targets.get(runner);
  if (source === undefined) return { target: null, problems: [] };
  const { yaml, problems } = parseYaml(source);
  if (problems.length > 0) return { target: null, problems };
  const checked = validate(targetSchema, { ...yaml, value: yaml.value ?? {} });
  if (!checked.ok) return { target: null, problems: checked.problems };
  const names = layers.map((layer) => layer.name);
  const strangers = Object.keys(checked.value).filter((name) => !names.includes(name));
  return {
    target: { yaml, values: checked.value as Target['values'] },
    problems: strangers.map((name) => ({
      file: source.path,
      line: yaml.lineOf([name]),
      message: `"${name}" is no layer of the runner "${runner}"${suggestion(name, names)}`,
    })),
  };
}

/** What `layer` holds in the template, and everything that is wrong with it. */
export function layerValues(from: {
  workspace: LoadedWorkspace;
  layer: LayerUse;
  head: TemplateHead;
  target: Target | null;
}): { values: Record<string, Value>; problems: Problem[] } {
  const { workspace, layer, head, target } = from;
  const overrides = target?.values[layer.name] ?? {};
  const given = Object.entries({ ...layer.values, ...overrides }).filter(([, value]) => value !== null);
  const values = Object.fromEntries(given);
  const { variables } = head;
  if (variables === undefined) return { values, problems: [] };
  const problems: Problem[] = [];
  for (const [key, value] of given) {
    const variable = Object.hasOwn(variables, key) ? variables[key] : undefined;
    const fault = variable === undefined ? null : valueFault(variable, value);
    if (variable !== undefined && fault === null) continue;
    const message =
      variable === undefined
        ? `the template "${layer.template.name}" knows no value "${key}"${suggestion(key, Object.keys(variables))}`
        : `${key} ${fault}`;
    problems.push(
      placed(from, Object.hasOwn(overrides, key) ? { key, in: 'target' } : { key, in: 'config' }, message),
    );
  }
  for (const [key, variable] of Object.entries(variables)) {
    if (Object.hasOwn(values, key)) continue;
    values[key] = (variable.default ?? null) as Value;
    if (!variable.required) continue;
    const help = variable.help === '' ? '' : ` (${variable.help})`;
    problems.push(
      placed(from, null, `needs a value for "${key}"${help}: ${layer.template.file} requires it`),
    );
  }
  return { values, problems: workspace.file === null ? problems.map(withoutFile) : problems };
}

function placed(
  from: { workspace: LoadedWorkspace; layer: LayerUse; target: Target | null },
  at: { key: string; in: 'config' | 'target' } | null,
  message: string,
): Problem {
  const { workspace, layer, target } = from;
  if (at?.in === 'target' && target !== null) {
    const { file, lineOf } = target.yaml;
    return { file, line: lineOf([layer.name, at.key]), message: `${layer.name}: ${message}` };
  }
  const path = layer.path === null ? null : at === null ? layer.path : [...layer.path, at.key];
  const subject = layer.path?.[0] === 'layers' ? formatPath(layer.path) : `layer ${layer.name}`;
  return {
    file: workspace.file ?? '',
    line: path === null ? null : workspace.lineOf(path),
    message: `${subject}: ${message}`,
  };
}

/** Without a config the layer came from the command line; the message names layer and template. */
function withoutFile(problem: Problem): Problem {
  return problem.file === '' ? { ...problem, file: 'qwex run -r' } : problem;
}
