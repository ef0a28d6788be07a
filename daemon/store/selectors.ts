// Which run a person means: a full id, a unique prefix or suffix of it, a name, @ for the latest, @~2 for two before.
import { QwexError } from '../../shared/errors.ts';
import { shortId } from '../../shared/ids.ts';
import type { RunRecord } from './record.ts';
import type { Store } from './store.ts';

const FULL_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const PART_OF_ID = /^[0-9a-f-]{4,36}$/;
const LATEST = /^@(?:~(\d{1,9}))?$/;
/** As many candidates as an error lists. */
const MAX_CANDIDATES = 10;

/** Throws `not_found`, or `ambiguous` with the candidates. */
export function resolveRun(store: Store, selector: string): RunRecord {
  const text = selector.trim();
  const latest = LATEST.exec(text);
  const found = latest ? store.runs.nthLatest(Number(latest[1] ?? 0)) : byIdOrName(store, text);
  if (found) return found;
  throw new QwexError({
    code: 'not_found',
    message: latest ? `there is no run ${text}` : `no run has the id or name ${JSON.stringify(text)}`,
    hint: /^[0-9a-f-]{1,3}$/i.test(text)
      ? 'give at least 4 characters of the id; qwex list shows them'
      : 'qwex list --all',
  });
}

/** A full id first, then a name as it is written, then a part of an id: a name of hex digits is still a name. */
function byIdOrName(store: Store, text: string): RunRecord | undefined {
  const id = text.toLowerCase();
  const exact = FULL_ID.test(id) ? store.runs.get(id) : store.runs.latestNamed(text);
  return exact ?? (PART_OF_ID.test(id) ? byPartOfId(store, id) : undefined);
}

function byPartOfId(store: Store, text: string): RunRecord | undefined {
  const limit = MAX_CANDIDATES + 1;
  const candidates = new Map(
    [...store.runs.withPrefix(text, limit), ...store.runs.withSuffix(text, limit)].map((run) => [
      run.id,
      run,
    ]),
  );
  if (candidates.size <= 1) return candidates.values().next().value;
  const shown = [...candidates.values()].slice(0, MAX_CANDIDATES);
  throw new QwexError({
    code: 'ambiguous',
    message: `${JSON.stringify(text)} fits more than one run:\n${shown.map(candidateLine).join('\n')}${candidates.size > MAX_CANDIDATES ? '\n  …' : ''}`,
    hint: 'give more characters of the id',
    details: { candidates: shown.map((run) => run.id) },
  });
}

function candidateLine(run: RunRecord): string {
  return `  ${run.id}  ${run.name ?? shortId(run.id)}  ${run.phase}  ${run.recipe.command.join(' ').slice(0, 60)}`;
}
