// From a request and a workspace to what would be executed: script and recipe of each command. Writes nothing.
import type { Recipe } from '../../shared/recipe.ts';
import type { LocalSubmit, Compiled as WireCompiled } from '../../shared/schemas/local.ts';
import { type Compiled, compile, type ResolvedJob, resolveJob, type TemplateSet } from '../compiler/index.ts';
import type { LoadedWorkspace } from '../config/index.ts';
import type { Place } from '../spaces/index.ts';
import { linkedPaths, watchedDirectories } from './inside-paths.ts';

/** One command with everything that decides what it will do. */
export interface Planned {
  resolved: ResolvedJob;
  compiled: Compiled;
  recipe: Recipe;
}

/** What a plan is made from. */
export interface PlanInput {
  git: Pick<Place, 'subdir'>;
  workspace: LoadedWorkspace;
  templates: TemplateSet;
  sha: string;
}

const BYTES_PER_MB = 1024 * 1024;

/** What each command of a request would run. Throws what is wrong with config, templates or request. */
export function planRuns(request: LocalSubmit, at: PlanInput): Planned[] {
  // Without words it is the job's own command, or nothing that could be run.
  const commands = request.commands.length === 0 ? [[]] : request.commands;
  return commands.map((command) => {
    const resolved = resolveJob(at.workspace, {
      job: request.job,
      command,
      runner: request.runner,
      resources: request.resources,
    });
    const envNames = Object.keys({ ...at.workspace.config.env, ...request.env }).sort();
    const watch = watchedDirectories(
      request.watch,
      at.workspace.config.artifacts.watch_directories,
      at.git.subdir,
    );
    const compiled = compile({
      workspace: at.workspace,
      templates: at.templates,
      job: {
        ...resolved,
        name: request.name ?? resolved.job,
        commit: at.sha,
        cwd: at.git.subdir,
        watch,
        envNames,
      },
    });
    return { resolved, compiled, recipe: recipeOf({ request, at, resolved, compiled, envNames, watch }) };
  });
}

function recipeOf(of: {
  request: LocalSubmit;
  at: PlanInput;
  resolved: ResolvedJob;
  compiled: Compiled;
  envNames: string[];
  watch: string[];
}): Recipe {
  const { config, name } = of.at.workspace;
  return {
    workspace: name,
    commit: of.at.sha,
    subdir: of.at.git.subdir,
    command: of.resolved.command,
    envNames: of.envNames,
    runner: of.compiled.runner,
    resources: of.resolved.resources,
    scriptSha256: of.compiled.sha256,
    resumable: of.compiled.resumable,
    links: linkedPaths(config.source.links, of.request.links, of.at.git.subdir),
    submodules: config.source.submodules,
    artifacts: {
      watch: of.watch,
      ignore: config.artifacts.ignore_patterns,
      maxFileBytes: Math.round(config.artifacts.max_file_size_mb * BYTES_PER_MB),
    },
  };
}

/** A compiled script as the API shows it. */
export function wireCompiled({ runner, layers, script, sha256 }: Compiled): WireCompiled {
  return {
    runner,
    script,
    sha256,
    layers: layers.map(({ name, template, origin }) => ({ name, template, origin })),
  };
}
