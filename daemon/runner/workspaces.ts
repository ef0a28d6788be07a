// What people ask of a workspace besides running something in it: its script, its templates, a run's code back.
import { join } from 'node:path';
import { isErrno, messageOf, QwexError } from '../../shared/errors.ts';
import type {
  AddRequest,
  AddResponse,
  CheckoutResponse,
  CompileRequest,
  DiffResponse,
  InitResponse,
  TemplatesResponse,
  Compiled as WireCompiled,
} from '../../shared/schemas/local.ts';
import {
  addTemplate,
  compile,
  knownRunners,
  listTemplates,
  loadTemplates,
  resolveJob,
} from '../compiler/index.ts';
import { initWorkspace, loadWorkspace } from '../config/index.ts';
import { checkoutCommit, diffCommits, preflight } from '../spaces/index.ts';
import type { RunRecord } from '../store/record.ts';
import { differingFields } from './differing-fields.ts';
import { wireCompiled } from './plan-runs.ts';

/** What the system says of a folder that can't be made or looked into. */
const BAD_PLACES = ['EACCES', 'ELOOP', 'ENAMETOOLONG', 'EROFS'];
const MAX_PATCH_CHARACTERS = 4 * 1024 * 1024;

export class Workspaces {
  readonly #templatesFolder: string;

  constructor(templatesFolder: string) {
    this.#templatesFolder = templatesFolder;
  }

  /** The script that a submission from here would run, from the files as they are now. */
  async compile(request: CompileRequest): Promise<WireCompiled> {
    const git = await preflight(request.cwd);
    const workspace = await loadWorkspace(git.root);
    const templates = await loadTemplates(git.root, this.#templatesFolder);
    const resolved = resolveJob(workspace, request);
    const job = { ...resolved, name: resolved.job, commit: git.sha, cwd: git.subdir };
    return wireCompiled(compile({ workspace, templates, job }));
  }

  async init(cwd: string): Promise<InitResponse> {
    const { root } = await preflight(cwd);
    const { written, kept } = await initWorkspace(root);
    return { root, created: written, kept };
  }

  async templates(cwd: string): Promise<TemplatesResponse> {
    const { root } = await preflight(cwd);
    const workspace = await loadWorkspace(root);
    const templates = await loadTemplates(root, this.#templatesFolder);
    return {
      templates: listTemplates(templates).map((entry) => ({
        name: entry.name,
        origin: entry.origin,
        path: entry.file,
        summary: entry.problem ?? entry.description,
        resumable: entry.resumable === true,
        variables: Object.entries(entry.variables ?? {}).map(([name, variable]) => ({
          name,
          default: variable.default === undefined ? null : String(variable.default),
          help: variable.help,
        })),
      })),
      runners: knownRunners(workspace, templates).map((name) => ({
        name,
        layers: workspace.config.runners[name]?.layers ?? (name === 'base' ? [] : [name]),
      })),
      jobs: Object.keys(workspace.config.jobs),
    };
  }

  async addTemplate({ cwd, template }: AddRequest): Promise<AddResponse> {
    const { root } = await preflight(cwd);
    return { path: join(root, await addTemplate(root, template, this.#templatesFolder)), overwritten: false };
  }

  /** A worktree of the user's own at the run's commit. */
  async checkout(
    { root, commonDir, recipe }: RunRecord,
    { directory, umask }: { directory: string; umask: number },
  ): Promise<CheckoutResponse> {
    const sha = recipe.commit;
    await checkoutCommit({ root, commonDir, sha, directory, umask }).catch((error) => {
      throw isErrno(error, ...BAD_PLACES) ? badPlace(directory, error) : error;
    });
    return { directory, sha, notices: [] };
  }

  async diff(a: RunRecord, b: RunRecord): Promise<Omit<DiffResponse, 'a' | 'b'>> {
    if (a.commonDir !== b.commonDir) {
      throw new QwexError({
        code: 'unsupported',
        message: `the two runs are from different repositories: ${a.root} and ${b.root}`,
        hint: 'compare runs of one repository',
      });
    }
    const whole = await diffCommits({
      root: a.root,
      a: a.recipe.commit,
      b: b.recipe.commit,
      color: false,
      stat: false,
    });
    const truncated = whole.length > MAX_PATCH_CHARACTERS;
    const patch = truncated ? whole.slice(0, whole.lastIndexOf('\n', MAX_PATCH_CHARACTERS) + 1) : whole;
    return { fields: differingFields(a, b), patch, truncated };
  }
}

function badPlace(directory: string, cause: unknown): QwexError {
  return new QwexError({
    code: 'usage',
    message: `cannot check out into ${directory}: ${messageOf(cause)}`,
    hint: 'name a folder of yours that does not exist yet',
    cause,
  });
}
