// Which repository a folder is in: git's own answer, remembered for as long as what it depends on looks the same.
// Asking git costs a process on the way of every submit, looking at some files a fraction of that.

import { dirname, join } from 'node:path';
import { lstatIfThere, realpath } from '../../shared/at-once.ts';
import { git } from './git.ts';

/** Fields as explained in Workspace. */
export interface Place {
  root: string;
  gitDir: string;
  commonDir: string;
  subdir: string;
  shallow: boolean;
}

/** People submit from a few folders; a script that goes through thousands must not fill the memory. */
const MOST_PLACES = 200;
/** A file changed this shortly before git was asked may change again within the same tick of its clock. */
const RACY_MS = 50;

// rev-parse repeats an option that it doesn't know: a separator that a newline in a path can't imitate.
const SEPARATOR = '--qwex-separator';

export class Places {
  readonly #known = new Map<string, { place: Place; evidence: string }>();

  /** Where `cwd` (absolute) is. Throws GitFailure, on whose stdout are the flags that rev-parse prints first. */
  async find(cwd: string): Promise<Place> {
    const known = this.#known.get(cwd);
    if (known !== undefined && known.evidence === (await look(cwd, known.place))?.evidence)
      return known.place;
    this.#known.delete(cwd);
    const askedMs = Date.now();
    const place = parsePlace(await git({ cwd, args: placeArgs() }));
    const seen = await look(cwd, place);
    // What has changed since git looked would be the new evidence for an old answer.
    if (seen !== null && seen.newestMs < askedMs - RACY_MS) this.#remember(cwd, place, seen.evidence);
    return place;
  }

  #remember(cwd: string, place: Place, evidence: string): void {
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MOST_PLACES && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(cwd, { place, evidence });
  }
}

/** What the answer depends on, as it is now; null when it isn't how a working tree normally lies. */
async function look(
  cwd: string,
  { root, gitDir, commonDir }: Place,
): Promise<{ evidence: string; newestMs: number } | null> {
  const real = await realpath(cwd).catch(() => null);
  if (real === null || !`${real}/`.startsWith(`${root}/`)) return null;
  const [files, folders] = [[] as string[], [join(root, '.git'), gitDir]];
  // A repository in between would be found first, a bare one by its HEAD.
  for (let at = real; at !== root; at = dirname(at)) files.push(join(at, '.git'), join(at, 'HEAD'));
  files.push(join(commonDir, 'config'), join(commonDir, 'shallow'));
  files.push(join(gitDir, 'config.worktree'), join(gitDir, 'commondir'));
  const facts = [...files, ...folders].map(describe);
  return {
    evidence: [real, ...facts.map(({ text }) => text)].join('\n'),
    newestMs: Math.max(...facts.map(({ changedMs }) => changedMs)),
  };
}

/** A folder changes all the time: it counts as the same while nobody has made another in its place. */
function describe(path: string): { text: string; changedMs: number } {
  const found = lstatIfThere(path);
  if (found === undefined) return { text: 'none', changedMs: 0 };
  const identity = `${found.dev} ${found.ino} ${found.birthtimeMs}`;
  if (found.isDirectory()) return { text: `${identity} folder`, changedMs: found.birthtimeMs };
  return { text: `${identity} ${found.size} ${found.ctimeMs}`, changedMs: found.ctimeMs };
}

function placeArgs(): string[] {
  const separated = ['--git-dir', '--git-common-dir', '--show-toplevel', '--show-prefix'];
  return [
    'rev-parse',
    '--is-bare-repository',
    '--is-inside-git-dir',
    '--is-shallow-repository',
    '--path-format=absolute',
    ...separated.flatMap((option) => [SEPARATOR, option]),
  ];
}

function parsePlace(output: string): Place {
  const [flags = '', gitDir = '', commonDir = '', root = '', prefix = ''] = output.split(`${SEPARATOR}\n`);
  return {
    gitDir: gitDir.slice(0, -1),
    commonDir: commonDir.slice(0, -1),
    root: root.slice(0, -1),
    subdir: prefix.replace(/\/?\n$/, ''),
    shallow: flags.split('\n')[2] === 'true',
  };
}
