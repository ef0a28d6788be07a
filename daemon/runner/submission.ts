// From a request to durable runs: where the user stands, what exactly would run, and what they should know about it.
// Everything that can be wrong is found here, before anything is queued.
import { v7 as uuidv7 } from 'uuid';
import { QwexError } from '../../shared/errors.ts';
import { jobIdOf, type Recipe } from '../../shared/recipe.ts';
import { hasEnded } from '../../shared/run-state.ts';
import type {
  LocalSubmit,
  Notice,
  RerunRequest,
  Compiled as WireCompiled,
} from '../../shared/schemas/local.ts';
import type { Dependency, SubmitRunRequest } from '../../shared/schemas/run.ts';
import { type Compiled, compile, loadTemplates, type ResolvedJob, resolveJob } from '../compiler/index.ts';
import { type LoadedWorkspace, loadWorkspace } from '../config/index.ts';
import { fault } from '../fault.ts';
import type { Environments } from '../rundir/environments.ts';
import { hasCommit, pinCommit, preflight, type Workspace } from '../spaces/index.ts';
import type { NewRun, RunRecord } from '../store/record.ts';
import { resolveRun } from '../store/selectors.ts';
import type { Store } from '../store/store.ts';
import { lastTryOf } from '../store/tries.ts';
import { type ChosenCommit, chooseCommit } from './choose-commit.ts';
import { linkedPaths, watchedDirectories } from './inside-paths.ts';
import { noticesFor } from './notices.ts';
import { rerunEnvironment, runEnvironment } from './run-environment.ts';

export interface SubmissionDeps {
  store: Store;
  environments: Environments;
  /** Folder of the templates that ship with qwex. */
  templatesFolder: string;
  /** What forbids taking runs at all (a full disk), thrown. */
  assertRoom: () => Promise<void>;
}

export interface Submitted {
  runs: RunRecord[];
  notices: Notice[];
  compiled?: WireCompiled[];
  workspace: { name: string; root: string; sha: string; snapshot: boolean };
}

/** One command with everything that decides what it will do. */
interface Planned {
  resolved: ResolvedJob;
  compiled: Compiled;
  recipe: Recipe;
}

/** Of a request that comes from no shell. */
const DEFAULT_UMASK = 0o022;
const BYTES_PER_MB = 1024 * 1024;

export class Submission {
  readonly #deps: SubmissionDeps;

  constructor(deps: SubmissionDeps) {
    this.#deps = deps;
  }

  /** From a place in a repository, as the CLI asks. */
  async submitLocal(request: LocalSubmit): Promise<Submitted> {
    const git = await preflight(request.cwd);
    const workspace = await loadWorkspace(git.root);
    const chosen = await chooseCommit({ git, workspace, snapshot: request.snapshot });
    const planned = await this.#plan(request, { git, workspace, sha: chosen.sha });
    const notices = [
      ...chosen.notices,
      ...(await noticesFor({ git, workspace, chosen, request, store: this.#deps.store })),
    ];
    const place = { name: workspace.name, root: git.root, sha: chosen.sha, snapshot: chosen.isSnapshot };
    if (request.dryRun)
      return {
        runs: [],
        notices,
        compiled: planned.map(({ compiled }) => wireCompiled(compiled)),
        workspace: place,
      };
    const known =
      request.idempotencyKey === undefined
        ? undefined
        : this.#deps.store.submittedWith(request.idempotencyKey);
    const runs = known ?? (await this.#commit(request, { git, workspace, chosen, planned }));
    return { runs, notices, workspace: place };
  }

  /** The protocol's request: the commit is named, so the tree may be as dirty as it likes. */
  async submit(request: SubmitRunRequest): Promise<RunRecord> {
    const { source, resources, timeLimit } = request;
    const git = await preflight(source.key);
    if (!(await hasCommit(git.root, source.sha))) {
      throw new QwexError({
        code: 'not_found',
        message: `${git.root} has no commit ${source.sha}`,
        hint: 'fetch it first',
      });
    }
    const workspace = await loadWorkspace(git.root);
    const local: LocalSubmit = {
      cwd: git.root,
      commands: [[request.command, ...request.args]],
      environment: {},
      umask: DEFAULT_UMASK,
      env: request.env,
      name: request.name,
      runner: request.backend,
      resources: { ...resources, ...(timeLimit !== undefined && { timeMs: Math.round(timeLimit * 1000) }) },
      watch: request.watch,
      after: request.after ?? [],
      afterAny: [],
      priority: request.priority,
      retries: request.retries,
      hold: request.hold ?? false,
      dryRun: false,
      idempotencyKey: request.idempotencyKey,
    };
    const known =
      request.idempotencyKey === undefined
        ? undefined
        : this.#deps.store.submittedWith(request.idempotencyKey);
    const at = { ...git, sha: source.sha, subdir: request.cwd ?? '' };
    const chosen = { sha: source.sha, isSnapshot: false, notices: [] };
    const planned = known ? [] : await this.#plan(local, { git: at, workspace, sha: source.sha });
    const [run] = known ?? (await this.#commit(local, { git: at, workspace, chosen, planned }));
    if (!run) throw new TypeError('a submission without a run');
    return run;
  }

  /** A new run of the same job, in the environment of who asks for it: the first run's was deleted at its end. */
  async rerun(id: string, request: RerunRequest): Promise<RunRecord> {
    const { store, environments } = this.#deps;
    const known =
      request.idempotencyKey === undefined ? undefined : store.submittedWith(request.idempotencyKey)?.[0];
    if (known) return known;
    const run = store.mustGet(id);
    const job = store.runs.script(run.jobId);
    if (!job) throw new TypeError(`run ${id} has no job`);
    const variables = rerunEnvironment(run, job.sources, request.environment);
    await pinCommit({ root: run.root, commonDir: run.commonDir, sha: run.recipe.commit });
    const { jobId, recipe, root, commonDir, name, priority } = run;
    const newRun: NewRun = {
      ...{ ...job, jobId, recipe, root, commonDir, name, priority },
      id: uuidv7(),
      environment: await environments.save(variables),
      umask: request.umask,
      held: false,
      retries: 0,
      after: [],
      notes: [],
    };
    const [again] = store.submit([newRun], request.idempotencyKey);
    if (!again) throw new TypeError('a rerun without a run');
    await environments.save(variables);
    return again;
  }

  async #plan(
    request: LocalSubmit,
    at: { git: Workspace; workspace: LoadedWorkspace; sha: string },
  ): Promise<Planned[]> {
    const templates = await loadTemplates(at.git.root, this.#deps.templatesFolder);
    const commands = request.commands.length === 0 && request.job !== undefined ? [[]] : request.commands;
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
        templates,
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

  async #commit(
    request: LocalSubmit,
    at: { git: Workspace; workspace: LoadedWorkspace; chosen: ChosenCommit; planned: Planned[] },
  ): Promise<RunRecord[]> {
    const { store, environments } = this.#deps;
    const after = dependenciesOf(store, request);
    const variables = runEnvironment(request.environment, { ...at.workspace.config.env, ...request.env });
    const [environment] = await Promise.all([
      environments.save(variables),
      pinCommit({ root: at.git.root, commonDir: at.git.commonDir, sha: at.chosen.sha }),
      this.#deps.assertRoom(),
    ]);
    const newRuns = at.planned.map(
      ({ compiled, recipe }): NewRun => ({
        id: uuidv7(),
        recipe,
        jobId: jobIdOf(recipe),
        script: compiled.script,
        sources: JSON.stringify(compiled.sources),
        root: at.git.root,
        commonDir: at.git.commonDir,
        environment,
        umask: request.umask,
        name: request.name ?? null,
        priority: request.priority ?? 0,
        held: request.hold,
        retries: request.retries ?? 0,
        after,
        notes: at.chosen.isSnapshot
          ? [`runs a snapshot of uncommitted changes on top of ${at.git.sha.slice(0, 12)}`]
          : [],
      }),
    );
    fault('submit_pinned');
    const runs = store.submit(newRuns, request.idempotencyKey);
    fault('submitted');
    // The last run that used the same environment may have ended, and removed it, while the commit was being pinned.
    await environments.save(variables);
    // Some may have started meanwhile.
    return runs.map((run) => store.mustGet(run.id));
  }
}

function recipeOf(of: {
  request: LocalSubmit;
  at: { git: Workspace; workspace: LoadedWorkspace; sha: string };
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

/** Throws `not_found` or `ambiguous`. A run that was retried counts as its newest try. */
function dependenciesOf(store: Store, { after, afterAny }: LocalSubmit): Dependency[] {
  const found = new Map<string, Dependency>();
  for (const [selectors, policy] of [
    [afterAny, 'any'],
    [after, 'success'],
  ] as const) {
    for (const selector of selectors) {
      const run = lastTryOf(store, resolveRun(store, selector));
      if (policy === 'success' && hasEnded(run.phase) && run.phase !== 'succeeded') {
        throw new QwexError({
          code: 'conflict',
          message: `run ${selector} has already ended (${run.phase}), so nothing can run after its success`,
          hint: `to run all the same: --after-any ${selector}`,
        });
      }
      found.set(run.id, { id: run.id, policy });
    }
  }
  return [...found.values()];
}

function wireCompiled({ runner, layers, script, sha256 }: Compiled): WireCompiled {
  return {
    runner,
    script,
    sha256,
    layers: layers.map(({ name, template, origin }) => ({ name, template, origin })),
  };
}
