// The options that run, batch and compile share, and the request that they make together.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { QwexError } from '../../shared/errors.ts';
import type { LocalSubmitRequest } from '../../shared/schemas/local.ts';
import { parseEnvFile } from './env-file.ts';
import { collect, collectList, type GpuRequest, integerIn, parseGpus, parseTime } from './values.ts';

export interface ResourceOptions {
  runner?: string;
  job?: string;
  gpus?: GpuRequest;
  /** Milliseconds. */
  time?: number;
}

export interface SubmitOptions extends ResourceOptions {
  local?: boolean;
  watch?: string[];
  link?: string[];
  after?: string[];
  afterAny?: string[];
  priority?: number;
  name?: string;
  env?: string[];
  envFile?: string[];
  retries?: number;
  snapshot?: boolean;
  hold?: boolean;
  dryRun?: boolean;
  each?: string;
  follow?: boolean;
  json?: boolean;
}

export function addResourceOptions(command: Command): Command {
  return command
    .option('-r, --runner <name>', 'where to run: a runner, layer or template of the config')
    .option('--job <name>', 'a job of the config; words after it are added to its command')
    .option('--gpus <n>', 'GPUs to take: 2, or TYPE:2', parseGpus)
    .option('--time <length>', 'time limit, with units: 90s, 30m, 4h', parseTime);
}

export function addSubmitOptions(command: Command): Command {
  return addResourceOptions(command)
    .option('--name <name>', 'a name to find it by')
    .option('--watch <dirs>', 'directories whose files are kept (comma list or repeated)', collectList)
    .option('--link <path>', 'untracked file or folder to link into the run (repeatable)', collect)
    .option('--env <k[=v]>', 'set a variable, or pass on the one that is set here (repeatable)', collect)
    .option('--env-file <file>', 'set the variables of a file of KEY=VALUE lines (repeatable)', collect)
    .option('--after <id>', 'start when that run has succeeded (repeatable)', collectList)
    .option('--after-any <id>', 'start when that run has ended, however (repeatable)', collectList)
    .option('--priority <n>', 'higher starts earlier; 0 by default', integerIn(-1000, 1000))
    .option('--retries <n>', 'try again after a non-zero exit, up to n times', integerIn(0, 100))
    .option('--snapshot', 'commit the uncommitted changes aside, and run that commit')
    .option('--hold', 'queue it held; it waits for: qwex release')
    .option('--local', "use this machine's daemon, whatever the config says")
    .option('--json', 'print JSON');
}

export interface SubmitPlace {
  cwd: string;
  env: NodeJS.ProcessEnv;
}

/** The request for commands given by words; several with `--each`. Throws `usage`. */
export async function buildSubmitRequest(
  commands: string[][],
  options: SubmitOptions,
  { cwd, env }: SubmitPlace,
): Promise<LocalSubmitRequest> {
  return {
    cwd,
    commands,
    environment: submitterEnvironment(env),
    umask: process.umask(),
    env: await chosenEnvironment(options, { cwd, env }),
    job: options.job,
    name: options.name,
    runner: options.runner,
    resources: resourcesOf(options),
    watch: options.watch,
    links: options.link,
    after: options.after,
    afterAny: options.afterAny,
    priority: options.priority,
    retries: options.retries,
    hold: options.hold,
    snapshot: options.snapshot,
    dryRun: options.dryRun,
  };
}

/** Only what was asked for, so that the config's defaults hold for the rest. */
export function resourcesOf({ gpus, time }: ResourceOptions): LocalSubmitRequest['resources'] {
  if (gpus === undefined && time === undefined) return undefined;
  return { ...gpus, ...(time !== undefined && { timeMs: time }) };
}

/** Facts about this very shell or about the run that we are in: none of the new run's. */
const NOT_PASSED_ON = /^(?:_|PWD|OLDPWD|SHLVL|QWEX_(?:RUN_ID|RUN_DIR|WORKSPACE|COMMIT|GPUS))$/;

export function submitterEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && !NOT_PASSED_ON.test(name)) passed[name] = value;
  // The launcher put it aside, so that it doesn't reach this program.
  const { QWEX_USER_NODE_OPTIONS: nodeOptions, ...rest } = passed;
  return nodeOptions === undefined ? rest : { ...rest, NODE_OPTIONS: nodeOptions };
}

/** Files first, in their order, then --env: the nearer word wins. */
async function chosenEnvironment(
  { env: assignments = [], envFile: files = [] }: SubmitOptions,
  { cwd, env }: SubmitPlace,
): Promise<Record<string, string>> {
  const chosen: Record<string, string> = {};
  for (const file of files)
    Object.assign(chosen, parseEnvFile(await readFile(resolve(cwd, file), 'utf8'), file));
  for (const assignment of assignments) {
    const at = assignment.indexOf('=');
    const name = at === -1 ? assignment : assignment.slice(0, at);
    const value = at === -1 ? env[name] : assignment.slice(at + 1);
    if (name === '' || value === undefined) {
      throw new QwexError({
        code: 'usage',
        message: name === '' ? `--env ${assignment} has no name` : `--env ${name}: ${name} is not set here`,
        hint: 'give it a value: --env NAME=VALUE',
      });
    }
    chosen[name] = value;
  }
  return chosen;
}
