// Which layers a runner consists of, outermost first, and from which line of which file each comes.
import type { Value } from '../../shared/config.ts';
import { QwexError } from '../../shared/errors.ts';
import { type KeyPath, type LoadedWorkspace, type Problem, problemsError } from '../config/index.ts';
import { suggestion } from '../config/nearest.ts';
import type { Template, TemplateSet } from './templates.ts';

export interface LayerUse {
  name: string;
  template: Template;
  /** As in the config, before the target and the template's defaults. */
  values: Record<string, Value>;
  /** Where the layer is named in the config; null when the config doesn't mention it. */
  path: KeyPath | null;
}

/** The runner's layers, outermost first. Throws `compile_failed`, or `not_found` for an unknown runner. */
export function resolveRunner(
  workspace: LoadedWorkspace,
  templates: TemplateSet,
  runner: string,
): LayerUse[] {
  if (runner === 'base') return [];
  const { runners, layers } = workspace.config;
  const defined = Object.hasOwn(runners, runner) ? runners[runner] : undefined;
  const problems: Problem[] = [];
  const names = defined?.layers ?? [runner];
  if (defined === undefined && !Object.hasOwn(layers, runner) && !isLayerTemplate(templates, runner)) {
    throw unknownRunner(workspace, templates, runner);
  }
  const uses = names.flatMap((name, index) => {
    const mention: KeyPath | null = defined === undefined ? null : ['runners', runner, 'layers', index];
    const use = layerUse({ workspace, templates, name, mention });
    if (!('message' in use)) return [use];
    problems.push(use);
    return [];
  });
  if (problems.length > 0) throw problemsError('compile_failed', problems);
  return uses;
}

/** Every name that `-r` takes, in the order in which they are looked up. */
export function knownRunners(workspace: LoadedWorkspace, templates: TemplateSet): string[] {
  const { runners, layers } = workspace.config;
  const layerTemplates = [...templates.keys()].filter((name) => isLayerTemplate(templates, name));
  return [...new Set(['base', ...Object.keys(runners), ...Object.keys(layers), ...layerTemplates])];
}

function layerUse(from: {
  workspace: LoadedWorkspace;
  templates: TemplateSet;
  name: string;
  mention: KeyPath | null;
}): LayerUse | Problem {
  const { workspace, templates, name, mention } = from;
  const { layers } = workspace.config;
  const layer = Object.hasOwn(layers, name) ? layers[name] : undefined;
  const path: KeyPath | null = layer === undefined ? mention : ['layers', name];
  const wanted = layer?.template ?? name;
  const template = isLayerTemplate(templates, wanted) ? templates.get(wanted) : undefined;
  if (template !== undefined) return { name, template, values: layer?.values ?? {}, path };
  const file = workspace.file ?? 'the command line';
  const known = [...templates.keys()].filter((candidate) => isLayerTemplate(templates, candidate));
  if (layer === undefined) {
    const near = suggestion(name, [...new Set([...Object.keys(layers), ...known])]);
    const line = mention === null ? null : workspace.lineOf(mention);
    return { file, line, message: `"${name}" is neither a layer nor a template${near}` };
  }
  const line = workspace.lineOf(layer.template === null ? ['layers', name] : templatePath(workspace, name));
  return {
    file,
    line,
    message: `layers.${name} needs a template "${wanted}", and there is none${suggestion(wanted, known)}`,
  };
}

/** The layer may say `template:` or `type:`; the line that is found lower is the one that exists. */
function templatePath(workspace: LoadedWorkspace, name: string): KeyPath {
  const own = workspace.lineOf(['layers', name]);
  const template: KeyPath = ['layers', name, 'template'];
  return workspace.lineOf(template) === own ? ['layers', name, 'type'] : template;
}

function isLayerTemplate(templates: TemplateSet, name: string): boolean {
  return !name.startsWith('_') && templates.has(name);
}

function unknownRunner(workspace: LoadedWorkspace, templates: TemplateSet, runner: string): QwexError {
  const known = knownRunners(workspace, templates);
  const where = workspace.file ?? 'a workspace without a config';
  return new QwexError({
    code: 'not_found',
    message: `there is no runner "${runner}" in ${where}${suggestion(runner, known)}`,
    hint: `known runners: ${known.join(', ')}`,
    details: { runner, known },
  });
}
