// From a request to durable runs: where the user stands, what exactly would run, and what they should know about it.
// Everything that can be wrong is found here, before anything is queued.
import { v7 as uuidv7 } from 'uuid';
import { QwexError } from '../../shared/errors.ts';
import { jobIdOf } from '../../shared/recipe.ts';
import type {
  LocalSubmit,
  Notice,
  RerunRequest,
  Compiled as WireCompiled,
} from '../../shared/schemas/local.ts';
import type { Dependency, Resources, SubmitRunRequest } from '../../shared/schemas/run.ts';
import { type LoadedWorkspace, loadWorkspace } from '../config/index.ts';
import { fault } from '../fault.ts';
import type { Environments } from '../rundir/environments.ts';
import { hasCommit, Places, pinCommit, preflight, type Workspace } from '../spaces/index.ts';
import type { NewRun, RunRecord } from '../store/record.ts';
import type { Store } from '../store/store.ts';
import { type ChosenCommit, chooseCommit } from './choose-commit.ts';
import { dependenciesOf } from './dependencies.ts';
import { fromRoot } from './inside-paths.ts';
import { noticesFor } from './notices.ts';
import { type Planned, planRuns, wireCompiled } from './plan-runs.ts';
import { rerunEnvironment, runEnvironment } from './run-environment.ts';

export interface SubmissionDeps {
  store: Store;
  environments: Environments;
  /** Folder of the templates that ship with qwex. */
  templatesFolder: string;
  /** What forbids taking runs at all (a full disk), thrown. */
  assertRoom: () => Promise<void>;
  /** What to tell of the devices that are asked for. Throws `unsupported` when they could never be had. */
  assess: (resources: Resources) => Promise<Notice[]>;
}

export interface Submitted {
  runs: RunRecord[];
  notices: Notice[];
  compiled?: WireCompiled[];
  workspace: { name: string; root: string; sha: string; snapshot: boolean };
}

/** Of a request that comes from no shell. */
const DEFAULT_UMASK = 0o022;

export class Submission {
  readonly #deps: SubmissionDeps;
  readonly #places = new Places();
  readonly #commits: string[] = [];

  constructor(deps: SubmissionDeps) {
    this.#deps = deps;
  }

  /** Commits of submissions that are on their way: pinned perhaps, and made into runs in a moment. */
  commitsOnTheirWay(): readonly string[] {
    return this.#commits;
  }

  /** From a place in a repository, as the CLI asks. */
  async submitLocal(request: LocalSubmit): Promise<Submitted> {
    const git = await preflight(request.cwd, this.#places);
    const workspace = await loadWorkspace(git.root);
    const chosen = await chooseCommit({ git, workspace, snapshot: request.snapshot });
    const planned = await planRuns(this.#deps.templatesFolder, request, { git, workspace, sha: chosen.sha });
    const notices = [
      ...chosen.notices,
      ...(await noticesFor({ git, workspace, chosen, request, store: this.#deps.store })),
      ...(await this.#assess(planned)),
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
    const runs =
      known ??
      (await this.#holding(chosen.sha, () => this.#commit(request, { git, workspace, chosen, planned })));
    return { runs, notices, workspace: place };
  }

  /** The protocol's request: the commit is named, so the tree may be as dirty as it likes. */
  async submit(request: SubmitRunRequest): Promise<RunRecord> {
    const { source, resources, timeLimit } = request;
    const git = await preflight(source.key, this.#places);
    // HEAD's is there: git has just compared the tree with it.
    if (source.sha !== git.sha && !(await hasCommit(git.root, source.sha))) {
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
    const at = { ...git, sha: source.sha, subdir: subdirOf(request.cwd) };
    const chosen = { sha: source.sha, isSnapshot: false, notices: [] };
    const planned = known
      ? []
      : await planRuns(this.#deps.templatesFolder, local, { git: at, workspace, sha: source.sha });
    await this.#assess(planned);
    const commit = () => this.#commit(local, { git: at, workspace, chosen, planned });
    const [run] = known ?? (await this.#holding(source.sha, commit));
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
    const { jobId, recipe, root, commonDir, name, priority } = run;
    await this.#deps.assess(recipe.resources);
    const submit = (environment: string) => {
      const made = {
        ...job,
        jobId,
        recipe,
        root,
        commonDir,
        name,
        priority,
        environment,
        umask: request.umask,
      };
      const newRun: NewRun = { ...made, id: uuidv7(), held: false, retries: 0, after: [], notes: [] };
      return store.submitWithOthers([newRun], request.idempotencyKey);
    };
    const [again] = await this.#holding(recipe.commit, async () => {
      await pinCommit({ root, commonDir, sha: recipe.commit });
      return environments.whileKept(variables, submit);
    });
    if (!again) throw new TypeError('a rerun without a run');
    return again;
  }

  /** Each sentence once, however many runs it is about. */
  async #assess(planned: readonly Planned[]): Promise<Notice[]> {
    const told = new Map<string, Notice>();
    for (const { recipe } of planned)
      for (const notice of await this.#deps.assess(recipe.resources)) told.set(notice.message, notice);
    return [...told.values()];
  }

  async #holding<T>(sha: string, work: () => Promise<T>): Promise<T> {
    this.#commits.push(sha);
    try {
      return await work();
    } finally {
      this.#commits.splice(this.#commits.indexOf(sha), 1);
    }
  }

  async #commit(
    request: LocalSubmit,
    at: { git: Workspace; workspace: LoadedWorkspace; chosen: ChosenCommit; planned: Planned[] },
  ): Promise<RunRecord[]> {
    const { store, environments } = this.#deps;
    const after = dependenciesOf(store, request);
    const variables = runEnvironment(request.environment, { ...at.workspace.config.env, ...request.env });
    await Promise.all([
      pinCommit({ root: at.git.root, commonDir: at.git.commonDir, sha: at.chosen.sha }),
      this.#deps.assertRoom(),
    ]);
    fault('submit_pinned');
    return environments.whileKept(variables, async (environment) => {
      const newRuns = this.#newRuns(request, { ...at, environment, after });
      const runs = await store.submitWithOthers(newRuns, request.idempotencyKey);
      fault('submitted');
      return runs;
    });
  }

  #newRuns(
    request: LocalSubmit,
    of: {
      git: Workspace;
      chosen: ChosenCommit;
      planned: Planned[];
      environment: string;
      after: Dependency[];
    },
  ): NewRun[] {
    const { git, chosen, planned, environment, after } = of;
    const notes = chosen.isSnapshot
      ? [`runs a snapshot of uncommitted changes on top of ${git.sha.slice(0, 12)}`]
      : [];
    return planned.map(({ compiled, recipe }) => ({
      id: uuidv7(),
      recipe,
      jobId: jobIdOf(recipe),
      script: compiled.script,
      sources: JSON.stringify(compiled.sources),
      root: git.root,
      commonDir: git.commonDir,
      environment,
      umask: request.umask,
      name: request.name ?? null,
      priority: request.priority ?? 0,
      held: request.hold,
      retries: request.retries ?? 0,
      after,
      notes,
    }));
  }
}

/** Where in the workspace the protocol's request wants to run; '' is its root. Throws `usage` when it is outside. */
function subdirOf(cwd: string | undefined): string {
  const path = cwd === undefined || cwd === '' ? '.' : fromRoot(cwd, '', 'cwd');
  return path === '.' ? '' : path;
}
