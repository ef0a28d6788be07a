// Config, templates and a job to one shell script. Pure: the same input gives the same bytes. What is
// known only when a run starts (its id, folder, devices) never becomes text; the script reads it from
// its environment.
import { createHash } from 'node:crypto';
import type { Value } from '../../shared/config.ts';
import { QwexError } from '../../shared/errors.ts';
import type { Resources } from '../../shared/schemas/run.ts';
import { type LoadedWorkspace, type Problem, problemsError, type SourceFile } from '../config/index.ts';
import { TemplateFault } from './fault.ts';
import { parseHead, type TemplateHead } from './head.ts';
import { commandScript } from './quote.ts';
import { render } from './render.ts';
import { scriptHeader } from './script-header.ts';
import { type LayerUse, resolveRunner } from './stack.ts';
import type { TemplateOrigin, TemplateSet } from './templates.ts';
import { layerValues, readTarget } from './values.ts';

export interface CompileInput {
  workspace: LoadedWorkspace;
  templates: TemplateSet;
  job: {
    /** The run's name or its job's, for templates that show one. */
    name?: string | null;
    command: readonly string[];
    runner: string;
    resources: Resources;
    commit: string;
    /** Directory of the command below the workspace's root, with `/`; empty at the root. */
    cwd?: string;
    /** Directories whose files are kept; default: the config's. */
    watch?: readonly string[];
    /** Names of variables that the run gets, for layers that must carry them elsewhere. Never values. */
    envNames?: readonly string[];
  };
}

export interface CompiledLayer {
  name: string;
  template: string;
  origin: TemplateOrigin;
  file: string;
  needs: string[];
}

export interface Compiled {
  script: string;
  /** Hex, of the script's bytes. */
  sha256: string;
  runner: string;
  /** Outermost first. */
  layers: CompiledLayer[];
  /** Run again after the death of this machine, the script finds what it started. */
  resumable: boolean;
  /** Programs that the layers want on the PATH, each where it runs. */
  needs: string[];
  /** The files that this script was made of: config, target, templates of the user. */
  sources: SourceFile[];
}

interface PreparedLayer {
  use: LayerUse;
  head: TemplateHead;
  values: Record<string, Value>;
}

/** Throws `compile_failed` with file and line of every problem, `not_found` for an unknown runner. */
export function compile(input: CompileInput): Compiled {
  const { workspace, templates, job } = input;
  if (job.command.length === 0)
    throw new QwexError({ code: 'usage', message: 'there is no command to compile' });
  const uses = resolveRunner(workspace, templates, job.runner);
  const { layers, targetSource } = prepare(input, uses);
  const { text, used } = nest(input, layers);
  const header = scriptHeader({
    workspace: workspace.name,
    commit: job.commit,
    runner: job.runner,
    cwd: job.cwd ?? '',
    layers: uses.map((use) => use.name),
  });
  const script = `${header}\n\n${text}\n`;
  return {
    script,
    sha256: createHash('sha256').update(script).digest('hex'),
    runner: job.runner,
    layers: layers.map(({ use, head }) => ({
      name: use.name,
      template: use.template.name,
      origin: use.template.origin,
      file: use.template.file,
      needs: head.needs,
    })),
    resumable: layers.find(({ head }) => head.resumable !== 'inherit')?.head.resumable === true,
    needs: [...new Set(layers.flatMap(({ head }) => head.needs))],
    sources: [...workspace.sources, ...targetSource, ...userTemplates(templates, used)],
  };
}

/** Heads read, targets laid over, values checked: everything that is wrong is told at once. */
function prepare(
  { workspace, job }: CompileInput,
  uses: readonly LayerUse[],
): { layers: PreparedLayer[]; targetSource: SourceFile[] } {
  const { target, problems } = readTarget(workspace, job.runner, uses);
  const found: Problem[] = [...problems];
  const layers = uses.map((use): PreparedLayer => {
    const { head, problems: headProblems } = parseHead({ path: use.template.file, text: use.template.text });
    const { values, problems: valueProblems } = layerValues({ workspace, layer: use, head, target });
    // Without its head nothing can be said about the values.
    found.push(...(headProblems.length > 0 ? headProblems : valueProblems));
    return { use, head, values };
  });
  if (found.length > 0) throw problemsError('compile_failed', found);
  const source = target === null ? undefined : workspace.targets.get(job.runner);
  return { layers, targetSource: source === undefined ? [] : [source] };
}

/** From the command outwards, each template around what is inside it. */
function nest(input: CompileInput, layers: readonly PreparedLayer[]): { text: string; used: Set<string> } {
  const shared = sharedContext(input, layers);
  const used = new Set<string>();
  let inner = commandScript(input.job.command);
  for (const { use, values } of layers.toReversed()) {
    const context = { ...shared, layer: values, layer_name: use.name, inner };
    const rendered = rendering(input.templates, use, () =>
      render(input.templates, use.template.name, context),
    );
    for (const name of rendered.templates) used.add(name);
    if (!rendered.used.has('inner') && !rendered.used.has('command')) {
      throw problemsError('compile_failed', [
        {
          file: use.template.file,
          line: null,
          message: 'never uses {{ inner }}, so the command would not run',
        },
      ]);
    }
    inner = rendered.text;
  }
  return { text: inner, used };
}

function sharedContext(
  { workspace, job }: CompileInput,
  layers: readonly PreparedLayer[],
): Record<string, unknown> {
  const { gpus, gpuType, timeMs } = job.resources;
  const cwd = job.cwd ?? '';
  return {
    run: {
      name: job.name ?? null,
      runner: job.runner,
      resources: { gpus, gpu_type: gpuType, time_seconds: timeMs === null ? null : Math.ceil(timeMs / 1000) },
    },
    workspace: { name: workspace.name },
    job: {
      commit: job.commit,
      cwd,
      root:
        cwd === ''
          ? '.'
          : cwd
              .split('/')
              .map(() => '..')
              .join('/'),
      watch_directories: [...(job.watch ?? workspace.config.artifacts.watch_directories)],
      env_names: [...(job.envNames ?? Object.keys(workspace.config.env))],
    },
    layers: Object.fromEntries(layers.map(({ use, values }) => [use.name, values])),
    storage: storageOf(workspace, job.runner),
    command: [...job.command],
  };
}

/** Role → what `storage:` says about the storage that plays it. */
function storageOf({ config }: LoadedWorkspace, runner: string): Record<string, unknown> {
  const roles = Object.hasOwn(config.runners, runner) ? (config.runners[runner]?.storage ?? {}) : {};
  return Object.fromEntries(Object.entries(roles).map(([role, name]) => [role, config.storage[name]]));
}

function rendering<Result>(templates: TemplateSet, use: LayerUse, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error;
    const file = templates.get(error.template)?.file ?? use.template.file;
    throw problemsError('compile_failed', [{ file, line: error.line, message: error.message }]);
  }
}

function userTemplates(templates: TemplateSet, used: ReadonlySet<string>): SourceFile[] {
  return [...used]
    .sort()
    .flatMap((name) => templates.get(name) ?? [])
    .filter((template) => template.origin === 'user')
    .map(({ file, text }) => ({ path: file, text }));
}
