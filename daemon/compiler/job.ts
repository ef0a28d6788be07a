// What a submission asks for, with the config's answers filled in: command, runner, resources.
import type { WorkspaceConfig } from '../../shared/config.ts';
import { QwexError } from '../../shared/errors.ts';
import type { Resources } from '../../shared/schemas/run.ts';
import type { LoadedWorkspace } from '../config/index.ts';
import { suggestion } from '../config/nearest.ts';

export interface JobRequest {
  /** A name under `jobs:`. */
  job?: string | null;
  /** The command; with `job`, more words for it. */
  command: readonly string[];
  runner?: string | null;
  resources?: Partial<Resources>;
}

export interface ResolvedJob {
  /** The name under `jobs:`; null for a command of its own. */
  job: string | null;
  command: string[];
  runner: string;
  resources: Resources;
}

/** The request wins over its job in the config, and that over the config's defaults. Throws `usage`, `not_found`. */
export function resolveJob(workspace: LoadedWorkspace, request: JobRequest): ResolvedJob {
  const { config } = workspace;
  const name = request.job ?? null;
  const defined = name === null ? null : definedJob(workspace, name);
  const command =
    defined === null ? [...request.command] : jobCommand(name ?? '', defined.command, request.command);
  if (command.length === 0 || command[0] === '') {
    throw new QwexError({
      code: 'usage',
      message: 'there is no command to run',
      hint: 'for example: qwex run python train.py',
    });
  }
  return {
    job: name,
    command,
    runner: request.runner ?? defined?.runner ?? config.defaults.runner,
    resources: {
      ...{ gpus: 0, gpuType: null, timeMs: null },
      ...config.resources,
      ...defined?.resources,
      ...present(request.resources ?? {}),
    },
  };
}

/**
 * A list is the words of a command. A text is a line of bash: extra words are its "$@", and are put at
 * its end when it doesn't say where they go.
 */
export function jobCommand(
  name: string,
  command: string | readonly string[],
  extra: readonly string[],
): string[] {
  if (typeof command !== 'string') return [...command, ...extra];
  const line = command.trim();
  const placesThem = /\$(?:[@*#]|[1-9]|\{(?:[@*#!]|[1-9]))/.test(line);
  const whole = extra.length === 0 || placesThem ? line : `${line} "$@"`;
  return ['bash', '-c', whole, name, ...extra];
}

function definedJob(workspace: LoadedWorkspace, name: string): WorkspaceConfig['jobs'][string] {
  const { jobs } = workspace.config;
  const job = Object.hasOwn(jobs, name) ? jobs[name] : undefined;
  if (job !== undefined) return job;
  throw new QwexError({
    code: 'not_found',
    message: `there is no job "${name}" in ${workspace.file ?? 'a workspace without a config'}${suggestion(name, Object.keys(jobs))}`,
    hint: 'jobs are defined under `jobs:` in the config',
  });
}

function present(request: Partial<Resources>): Partial<Resources> {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
}
