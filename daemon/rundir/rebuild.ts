// Reads runs back from their folders when the index over them is lost. A folder that can't be made sense of is named
// and left exactly as it is: nothing here writes, moves or deletes.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, messageOf, QwexError } from '../../shared/errors.ts';
import { jobIdOf, sha256 } from '../../shared/recipe.ts';
import type { RestoredRun, RunRecord } from '../store/record.ts';
import { formatFault, type RunJson, runJsonSchema } from './run-json.ts';

/** What the store does with runs that were found. */
export interface LostIndex {
  restore(found: readonly RestoredRun[]): number;
  finishRestore(): void;
}

export interface FromFolders {
  restored: number;
  /** Folders that are left out, and why. */
  refused: Refusal[];
}

export interface Refusal {
  path: string;
  why: string;
}

const RUNS_AT_ONCE = 64;

export interface Places {
  /** Root of the folders of the workspaces. */
  runs: string;
  bootId: string;
  /** Of this machine, in a home that others have, too: their runs are their daemons' affair. */
  machine?: string | null;
  /** What else there is to come back from; asked when the folders have been read, before the runs are tied together. */
  alsoFrom?: () => Promise<void>;
}

/** Puts every run of `<runs>/<workspace>/runs/<id>/` into the index. */
export async function rebuildIndex(
  index: LostIndex,
  { runs, bootId, machine = null, alsoFrom }: Places,
): Promise<FromFolders> {
  const folders = await runFoldersBelow(runs);
  const refused: Refusal[] = [];
  let restored = 0;
  for (let at = 0; at < folders.length; at += RUNS_AT_ONCE) {
    const batch = folders.slice(at, at + RUNS_AT_ONCE);
    const found = await Promise.all(
      batch.map((folder) => readOrRefuse(folder, { bootId, machine }, refused)),
    );
    restored += restoreEach(
      index,
      found.filter((run) => run !== undefined),
      refused,
    );
  }
  await alsoFrom?.();
  index.finishRestore();
  return { restored, refused };
}

/** One run that the store can't take must not keep all others out. */
function restoreEach(index: LostIndex, found: readonly Found[], refused: Refusal[]): number {
  try {
    return index.restore(found);
  } catch (error) {
    const [only] = found;
    if (error instanceof QwexError || only === undefined) throw error;
    if (found.length > 1) return found.reduce((sum, one) => sum + restoreEach(index, [one], refused), 0);
    refused.push({ path: only.path, why: messageOf(error) });
    return 0;
  }
}

interface Found extends RestoredRun {
  path: string;
}

export interface RunFolder {
  path: string;
  workspace: string;
  id: string;
}

export async function runFoldersBelow(runs: string): Promise<RunFolder[]> {
  const folders: RunFolder[] = [];
  for (const workspace of await namesIn(runs)) {
    const parent = join(runs, workspace, 'runs');
    for (const id of await namesIn(parent)) folders.push({ path: join(parent, id), workspace, id });
  }
  return folders;
}

async function readOrRefuse(folder: RunFolder, here: Here, refused: Refusal[]): Promise<Found | undefined> {
  try {
    const found = await readRunFolder(folder, here);
    return found === 'of another machine' ? undefined : { path: folder.path, ...found };
  } catch (error) {
    refused.push({ path: folder.path, why: messageOf(error) });
    return undefined;
  }
}

class Unreadable extends Error {}

export interface Here {
  bootId: string;
  machine: string | null;
}

export async function readRunFolder(
  { path, workspace, id }: RunFolder,
  { bootId, machine }: Here,
): Promise<RestoredRun | 'of another machine'> {
  if (!(await stat(path)).isDirectory()) throw new Unreadable('it is not a folder');
  const [json, script, sources, history] = await Promise.all([
    readFile(join(path, 'run.json'), 'utf8'),
    readFile(join(path, 'script.sh'), 'utf8'),
    readFile(join(path, 'sources.json'), 'utf8'),
    textOrNothing(join(path, 'statuses.jsonl')),
  ]);
  const { format: _, machine: owner, after, ...run } = parseRunJson(json);
  if (machine !== null && owner !== machine) return 'of another machine';
  if (run.id !== id) throw new Unreadable(`its run.json is of another run, ${run.id}`);
  if (run.recipe.workspace !== workspace)
    throw new Unreadable(`its run.json is of another workspace, ${run.recipe.workspace}`);
  if (run.jobId !== jobIdOf(run.recipe))
    throw new Unreadable('its recipe is not the one that its job id names');
  if (sha256(script) !== run.recipe.scriptSha256)
    throw new Unreadable('its script.sh is not the one that was submitted');
  parseJson('sources.json', sources);
  return {
    run: await asFarAsItsFilesSay(run, path, bootId),
    ...{ after, script, sources },
    lastEventSeq: lastEventSeqOf(history),
  };
}

function parseRunJson(text: string): RunJson {
  const json = parseJson('run.json', text);
  const fault = formatFault(json);
  if (fault !== null) throw new Unreadable(fault);
  const parsed = runJsonSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Unreadable(`its run.json is not valid: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Unreadable(`its ${name} is not JSON: ${messageOf(error)}`);
  }
}

/**
 * run.json is written after the fact, so a run may be further than it says. One that is said to be queued and of which
 * an attempt has begun comes back as one that is being prepared: recovery then asks its supervisor's files, and starts
 * it only when it surely never ran.
 */
async function asFarAsItsFilesSay(run: RunRecord, path: string, bootId: string): Promise<RunRecord> {
  if (run.phase !== 'queued' && run.phase !== 'preparing') return run;
  const claimed = await lastClaim(path);
  const hasBegun =
    claimed > 0 ||
    (await exists(join(path, 'meta', 'pid'))) ||
    (await exists(join(path, 'meta', 'exit_code')));
  if (!hasBegun) return run;
  return {
    ...run,
    phase: 'preparing',
    held: false,
    attempt: Math.max(run.attempt, claimed, 1),
    bootId: run.bootId ?? bootId,
    claimedAt: run.claimedAt ?? run.createdAt,
  };
}

/** The highest attempt that somebody has claimed, 0 for none. */
async function lastClaim(path: string): Promise<number> {
  const attempts = (await namesIn(path)).map((name) => Number(/^claim\.(\d{1,9})$/.exec(name)?.[1] ?? 0));
  return Math.max(0, ...attempts);
}

/** The highest number in a history of which any line may be torn. */
function lastEventSeqOf(history: string): number {
  const numbers = [...history.matchAll(/^\{"seq":(\d{1,15}),/gm)].map(([, seq]) => Number(seq));
  return numbers.reduce((last, seq) => Math.max(last, seq), 0);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

async function textOrNothing(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return '';
    throw error;
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
