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
import { loadTemplates, type TemplateSet } from '../compiler/index.ts';
import { type LoadedWorkspace, loadWorkspace } from '../config/index.ts';
import { fault } from '../fault.ts';
import type { Environments } from '../rundir/environments.ts';
import { canPin, findPlace, type Pin, Places, pinCommit, preflightBeside } from '../spaces/index.ts';
import type { NewRun, RunRecord } from '../store/record.ts';
import type { Store } from '../store/store.ts';
import { chooseCommit } from './choose-commit.ts';
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

/** What a request comes to, before it is made into runs. */
interface Plan {
  at: Pin;
  workspace: LoadedWorkspace;
  planned: Planned[];
  /** To be shown with each run. */
  notes: string[];
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
    const { git, done } = await preflightBeside(request.cwd, this.#places, ({ root }) => this.#load(root));
    const { workspace, templates } = done;
    const chosen = await chooseCommit({ git, workspace, snapshot: request.snapshot });
    const planned = planRuns(request, { git, workspace, templates, sha: chosen.sha });
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
    const known = this.#submittedBefore(request);
    const notes = chosen.isSnapshot
      ? [`runs a snapshot of uncommitted changes on top of ${git.sha.slice(0, 12)}`]
      : [];
    const at = { ...git, sha: chosen.sha };
    const commit = () => this.#commit(request, { at, workspace, planned, notes });
    const runs = known ?? (await this.#holding(chosen.sha, commit));
    return { runs, notices, workspace: place };
  }

  /** The protocol's request: the commit is named, so the tree may be as dirty as it likes, and nobody looks at it. */
  async submit(request: SubmitRunRequest): Promise<RunRecord> {
    const { source, resources, timeLimit } = request;
    const place = await findPlace(source.key, this.#places);
    const at = { ...place, sha: source.sha, subdir: subdirOf(request.cwd) };
    const [isThere, { workspace, templates }] = await Promise.all([canPin(at), this.#load(place.root)]);
    if (!isThere) {
      throw new QwexError({
        code: 'not_found',
        message: `${place.root} has no commit ${source.sha}`,
        hint: 'fetch it first',
      });
    }
    const local: LocalSubmit = {
      cwd: place.root,
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
    const known = this.#submittedBefore(request);
    const planned = known ? [] : planRuns(local, { git: at, workspace, templates, sha: source.sha });
    await this.#assess(planned);
    const commit = () => this.#commit(local, { at, workspace, planned, notes: [] });
    const [run] = known ?? (await this.#holding(source.sha, commit));
    if (!run) throw new TypeError('a submission without a run');
    return run;
  }

  /** A new run of the same job, in the environment of who asks for it: the first run's was deleted at its end. */
  async rerun(id: string, request: RerunRequest): Promise<RunRecord> {
    const { store, environments } = this.#deps;
    const [known] = this.#submittedBefore(request) ?? [];
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

  #submittedBefore({ idempotencyKey }: { idempotencyKey?: string | undefined }): RunRecord[] | undefined {
    return idempotencyKey === undefined ? undefined : this.#deps.store.submittedWith(idempotencyKey);
  }

  async #load(root: string): Promise<{ workspace: LoadedWorkspace; templates: TemplateSet }> {
    const [workspace, templates] = await Promise.all([
      loadWorkspace(root),
      loadTemplates(root, this.#deps.templatesFolder),
    ]);
    return { workspace, templates };
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

  async #commit(request: LocalSubmit, of: Plan): Promise<RunRecord[]> {
    const { store, environments } = this.#deps;
    const after = dependenciesOf(store, request);
    const variables = runEnvironment(request.environment, { ...of.workspace.config.env, ...request.env });
    await Promise.all([pinCommit(of.at), this.#deps.assertRoom()]);
    fault('submit_pinned');
    return environments.whileKept(variables, async (environment) => {
      const newRuns = this.#newRuns(request, { ...of, environment, after });
      const runs = await store.submitWithOthers(newRuns, request.idempotencyKey);
      fault('submitted');
      return runs;
    });
  }

  #newRuns(request: LocalSubmit, of: Plan & { environment: string; after: Dependency[] }): NewRun[] {
    const { at, planned, environment, after, notes } = of;
    return planned.map(({ compiled, recipe }) => ({
      id: uuidv7(),
      recipe,
      jobId: jobIdOf(recipe),
      script: compiled.script,
      sources: JSON.stringify(compiled.sources),
      root: at.root,
      commonDir: at.commonDir,
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
