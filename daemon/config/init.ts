// What `qwex init` puts into a workspace. Never overwrites: what exists is left as it is and named.
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../shared/errors.ts';
import { CONFIG_PATH, ROOT_CONFIG_PATH } from './workspace.ts';
import { checkedWorkspaceName } from './workspace-name.ts';

export interface InitResult {
  /** Relative paths, folders with a trailing slash. */
  written: string[];
  /** What was there already. */
  kept: string[];
}

/** Writes `.qwex/` into `root`. `name` goes into the config; without it the folder's name counts. */
export async function initWorkspace(root: string, options: { name?: string } = {}): Promise<InitResult> {
  const name = options.name === undefined ? null : checkedWorkspaceName(options.name, 'request');
  const result: InitResult = { written: [], kept: [] };
  await makeFolder(root, '.qwex/', 0o777, result);
  await makeFolder(root, '.qwex/templates/', 0o777, result);
  // Accounts and host names live here, and git never sees them.
  await makeFolder(root, '.qwex/targets/', 0o700, result);
  await writeNew(root, '.qwex/.gitignore', GITIGNORE, result);
  if (await exists(join(root, ROOT_CONFIG_PATH))) result.kept.push(ROOT_CONFIG_PATH);
  else await writeNew(root, CONFIG_PATH, initialConfig(name), result);
  return result;
}

/** For a home that lies in a workspace: a snapshot of the untracked files must not take environments and keys along. */
export async function keepOutOfGit(folder: string): Promise<void> {
  await writeNew(folder, '.gitignore', GITIGNORE, { written: [], kept: [] });
}

async function makeFolder(root: string, path: string, mode: number, result: InitResult): Promise<void> {
  const made = await mkdir(join(root, path), { mode, recursive: true });
  (made === undefined ? result.kept : result.written).push(path);
}

async function writeNew(root: string, path: string, text: string, result: InitResult): Promise<void> {
  try {
    await writeFile(join(root, path), text, { flag: 'wx' });
    result.written.push(path);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    result.kept.push(path);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** An allow list, so that a home kept in this folder (databases, runs, keys) is never committed. */
const GITIGNORE = `# Only what belongs to the project is committed: hosts and accounts (targets/) are not.
/*
!/.gitignore
!/config.yaml
!/templates/
`;

/** The config that `qwex init` writes: every key commented out with its default or an example. */
export function initialConfig(name: string | null): string {
  const line = name === null ? '# name: my-project' : `name: ${JSON.stringify(name)}`;
  return `# What qwex knows about this project. Every key is optional; what is commented out shows the default
# or an example. Mistakes are reported with their line when you submit.

# The name of the project's folder of runs; without it the name of this repository's folder.
${line}

# defaults:
#   runner: base               # where runs go without -r: base is this machine, as it is

# source:
#   dirty: refuse              # uncommitted changes: refuse, or snapshot (commit them aside and run that)
#   links: []                  # untracked folders to link into every run's checkout, such as data or .venv
#   untracked: warn            # files that git doesn't know: warn, or refuse
#   submodules: false

# artifacts:
#   watch_directories: [out]   # what is written here is kept with the run
#   ignore_patterns: ["*.tmp", "*.log", "__pycache__", ".git"]
#   max_file_size_mb: 1000

# resources:
#   gpus: 0                    # for every run that doesn't say
#   gpu_type: a100             # where there are several kinds
#   time: 4h                   # a limit, with its unit; without it there is none

# env:                         # for every run; no secrets, this file is committed
#   TOKENIZERS_PARALLELISM: "false"

# layers:                      # what a run is wrapped in: a template (qwex templates) and its values
#   quiet:
#     template: nice
#     niceness: 15
#   python:
#     template: env
#     venv: .venv

# runners:                     # named stacks of layers, the outermost first: qwex run -r polite …
#   polite:
#     layers: [quiet, python]

# jobs:                        # commands with a name: qwex run --job train
#   train:
#     command: python train.py
#     runner: polite
#     resources:
#       gpus: 1
#       time: 4h
`;
}
