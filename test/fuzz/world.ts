// A daemon with things in it to be fooled about, and the proof that nothing else was touched: a sentinel folder and
// the home of the user beside it are compared, file by file, with what they were.
import { mkdir, writeFile } from 'node:fs/promises';
import { ERROR_CODES, type ErrorCode } from '../../shared/errors.ts';
import { type Answer, problemIn } from '../rig/answer.ts';
import { packageFolder } from '../rig/command.ts';
import type { Repository } from '../rig/repository.ts';
import type { Rig } from '../rig/rig.ts';
import type { Target } from './requests.ts';
import { memoryOf, treeOf } from './tree.ts';

export const SECRET = 'what-nobody-may-read-5b1f';
const MB = 1024 * 1024;

export class World {
  readonly rig: Rig;
  readonly repo: Repository;
  /** Another one, deep in the folder where anything may be made: `../..` is still in there. */
  readonly lab: Repository;
  readonly target: Target;
  readonly #pid: number;
  readonly #before: Readonly<Record<string, string>>;
  readonly #bytesBefore: number;

  private constructor(rig: Rig, repo: Repository, facts: { lab: Repository; target: Target; pid: number }) {
    this.rig = rig;
    this.repo = repo;
    this.lab = facts.lab;
    this.target = facts.target;
    this.#pid = facts.pid;
    this.#before = this.#tree();
    this.#bytesBefore = memoryOf(facts.pid).bytes;
  }

  /** A run that has ended with artifacts, one that is held, and a queue that is paused. */
  static async start(rig: Rig): Promise<World> {
    const repo = await rig.repo({ 'README.md': 'A test\n', 'sub/file': 'x\n' });
    for (const folder of ['outside', 'made']) await mkdir(rig.path(folder));
    const lab = await rig.repo({ 'train.py': '' }, 'made/a/b/c/lab');
    await writeFile(rig.path('outside', 'secret'), `${SECRET}\n`, { mode: 0o600 });
    await writeFile(rig.path('user', '.profile'), '# mine\n');
    const script = 'mkdir -p out; echo said; echo kept >out/plain; ln -s ../../../../outside/secret out/link';
    const ended = await rig.submit(repo, '--name', 'ended', '--', 'sh', '-c', script);
    await rig.ended(ended);
    const held = await rig.submit(repo, '--hold', '--name', 'held', '--', 'true');
    const target = {
      runs: [ended, held, 'ended', 'held', '@'],
      artifacts: ['out/plain', 'out/link', 'out'],
      root: repo.root,
      sha: await repo.git('rev-parse', 'HEAD'),
      folder: rig.path('made'),
    };
    return new World(rig, repo, { lab, target, pid: (await rig.daemon()).pid });
  }

  /** Fails unless the same daemon answers, has not grown past the bound, and nothing outside was touched. */
  async check({ growthMb = 200 }: { growthMb?: number } = {}): Promise<void> {
    const { pid } = await this.rig.daemon();
    if (pid !== this.#pid) throw new Error(`the daemon was ${this.#pid} and is ${pid}`);
    const grownMb = (memoryOf(pid).bytes - this.#bytesBefore) / MB;
    if (grownMb > growthMb) throw new Error(`the daemon has grown by ${grownMb.toFixed(0)} MB`);
    const [before, now] = [JSON.stringify(this.#before, null, 1), JSON.stringify(this.#tree(), null, 1)];
    if (before !== now) throw new Error(`touched outside of the home:\nbefore ${before}\nnow ${now}`);
  }

  /** The most memory that the daemon has had since it was started. */
  mostMb(): number {
    return memoryOf(this.#pid).mostBytes / MB;
  }

  get pid(): number {
    return this.#pid;
  }

  /** All but what a request may rightly write: the home, the workspace's own .qwex, and what was asked to be made. */
  #tree(): Record<string, string> {
    const tree = treeOf(this.rig.folder, ['home', 'made', 'project/.git', 'project/.qwex', 'user/.cache']);
    // A checkout that nobody has said a place for lies beside its repository.
    return Object.fromEntries(Object.entries(tree).filter(([path]) => !/^project-[0-9a-f]{8}/.test(path)));
  }
}

/** Fails unless the answer is what the protocol has: JSON or bytes, or a problem with a known code that isn't a bug. */
export function checkAnswer(answer: Answer, method: string): void {
  const { status, headers, text } = answer;
  if (status >= 200 && status < 300) {
    if (method !== 'HEAD' && headers['content-type']?.includes('application/json')) JSON.parse(text);
    return;
  }
  if (method === 'HEAD') {
    if (status < 400 || status === 500) throw new Error(`HEAD was answered ${status}`);
    return;
  }
  const { code } = problemIn(answer);
  if (!(code in ERROR_CODES)) throw new Error(`unknown code: ${text}`);
  if (ERROR_CODES[code as ErrorCode].http !== status) throw new Error(`${code} as ${status}`);
  if (['internal', 'unreachable', 'no_space'].includes(code)) throw new Error(`unexpected: ${text}`);
  for (const folder of ['daemon', 'shared', 'dist', 'node_modules', 'cli'])
    if (text.includes(`${packageFolder}/${folder}/`)) throw new Error(`a path of our sources: ${text}`);
}
