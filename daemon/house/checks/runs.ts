// Whether index, run folders and repositories agree, and what nobody needs any more. Reads only.
import { basename } from 'node:path';
import { isErrno } from '../../../shared/errors.ts';
import { hasEnded } from '../../../shared/run-state.ts';
import type { Check } from '../../../shared/schemas/local.ts';
import { surveyFolders } from '../../rundir/survey.ts';
import { staleEntries } from '../../spaces/index.ts';
import { currentBootId } from '../../supervisor/index.ts';
import { collectGarbage, type GcDeps } from '../gc.ts';
import { named, ok, warning } from './check.ts';

export async function runChecks(deps: GcDeps): Promise<Check[]> {
  return [...(await folders(deps)), await garbage(deps), await entries(deps)];
}

const REBUILD = 'qwex doctor --rebuild';
/** A space has the name of its run, and one that is being made something behind it. */
const ID_LENGTH = 36;

async function folders({ paths, store }: GcDeps): Promise<Check[]> {
  const name = 'run folders';
  const known = new Set(store.runs.ids());
  const damaged: string[] = [];
  const odd: string[] = [];
  const unknown: string[] = [];
  let count = 0;
  const here = { bootId: await currentBootId(), machine: paths.machine };
  for await (const { path, id, fault, historyFault } of surveyFolders(paths.runs, here)) {
    // One that was submitted after we asked is in the index by now.
    const isKnown = known.delete(id) || store.runs.get(id) !== undefined;
    count += 1;
    if (fault !== null) damaged.push(`${path}: ${fault}`);
    else if (!isKnown) unknown.push(path);
    if (historyFault !== null && fault === null) odd.push(`${path}: ${historyFault}`);
  }
  const missing = [...known].filter((id) => store.runs.get(id) !== undefined);
  const findings = [
    finding(
      damaged,
      'damaged',
      `${REBUILD} mends those that the index knows, and leaves the others as they are`,
    ),
    finding(unknown, 'not in the index', `${REBUILD} takes them in`),
    finding(missing, 'in the index and without a folder', `${REBUILD} mends or forgets them`),
    finding(odd, 'with a damaged history', 'the run itself is whole; statuses.jsonl is for readers alone'),
  ].filter((found) => found !== null);
  return findings.length > 0 ? findings : [ok(name, `${count}, all of them whole and in the index`)];
}

function finding(all: readonly string[], what: string, hint: string): Check | null {
  return all.length === 0 ? null : warning('run folders', `${all.length} ${what}: ${named(all)}`, hint);
}

async function garbage(deps: GcDeps): Promise<Check> {
  const waiting = new Set(deps.spaces.waiting.map(({ path }) => path));
  const found = await collectGarbage(deps, { force: false });
  const items = found.items.filter(({ path }) => path === null || !waiting.has(path));
  if (items.length === 0) return ok('left over', 'nothing');
  const kinds = Map.groupBy(items, ({ kind }) => kind);
  const counts = [...kinds].map(([kind, { length }]) => `${length} × ${kind}`);
  return warning('left over', counts.join(', '), 'qwex gc lists them, qwex gc --force removes them');
}

async function entries({ paths, store }: GcDeps): Promise<Check> {
  const name = 'worktree entries';
  for (const { commonDir, root } of store.runs.repositories()) {
    const stale = await staleEntries(commonDir, paths.spaces).catch((error: unknown) => {
      // The repository is gone, or closed to us: whose affair that is, its runs tell.
      if (isErrno(error, 'EACCES', 'EPERM', 'EIO', 'ESTALE')) return [];
      throw error;
    });
    // One whose run hasn't ended is just being made or removed.
    const left = stale.filter((space) => {
      const run = store.runs.get(basename(space).slice(0, ID_LENGTH));
      return run === undefined || hasEnded(run.phase);
    });
    if (left.length > 0)
      return warning(
        name,
        `${left.length} in ${root} of spaces that are gone`,
        `git -C '${root}' worktree prune`,
      );
  }
  return ok(name, 'none of a space that is gone');
}
