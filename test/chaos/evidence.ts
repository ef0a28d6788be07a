// What is on the disk after a chaos run, read without any code of the daemon: the ledger that the jobs wrote, and the
// run folders as their documentation describes them.
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

export interface LedgerLine {
  what: 'begin' | 'end';
  runId: string;
  tag: string;
  pid: number;
  code: number | null;
  /** Its place in the file: what came before what. */
  place: number;
}

export interface RunEvidence {
  id: string;
  /** Its request's tag, out of its command line. */
  tag: string;
  phase: string;
  reason: string | null;
  exitCode: number | null;
  message: string | null;
  retryOf: string | null;
  retriedBy: string | null;
  after: { id: string; policy: string }[];
  stdout: Buffer;
  stderr: Buffer;
  /** Path below files/ → content; of a link, its target after `-> `. */
  files: Map<string, Buffer>;
  manifest: { path: string; sha256: string | null; sizeBytes: number; target?: string }[];
  history: { seq: number; phase: string }[];
}

export async function readLedger(file: string): Promise<LedgerLine[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line, place) => {
    const match = /^(begin|end) (\S+) (\S+) (\d+) (-|\d+)$/.exec(line);
    const [, what, runId = '', tag = '', pid, code] = match ?? [];
    if (what !== 'begin' && what !== 'end') throw new Error(`not a line of the ledger: ${line}`);
    return { what, runId, tag, pid: Number(pid), code: code === '-' ? null : Number(code), place };
  });
}

/** Every folder below runs/. Throws on one whose record can't be read: nothing may be half-written. */
export async function readRuns(runsFolder: string): Promise<RunEvidence[]> {
  const ids = await readdir(runsFolder).catch(() => []);
  return Promise.all(ids.map((id) => readRun(join(runsFolder, id))));
}

async function readRun(folder: string): Promise<RunEvidence> {
  const record = JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) as Omit<RunEvidence, 'tag'> & {
    recipe: { command: string[] };
  };
  const manifest = JSON.parse((await readIfThere(join(folder, 'artifacts.json'))).toString() || 'null') as {
    artifacts: RunEvidence['manifest'];
  } | null;
  const history = (await readIfThere(join(folder, 'statuses.jsonl'))).toString().split('\n');
  return {
    id: record.id,
    tag: record.recipe.command[3] ?? '',
    phase: record.phase,
    reason: record.reason,
    exitCode: record.exitCode,
    message: record.message,
    retryOf: record.retryOf,
    retriedBy: record.retriedBy,
    after: record.after,
    stdout: await readIfThere(join(folder, 'logs', 'stdout.log')),
    stderr: await readIfThere(join(folder, 'logs', 'stderr.log')),
    files: await readTree(join(folder, 'files')),
    manifest: manifest?.artifacts ?? [],
    history: history
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { seq: number; phase: string }),
  };
}

export async function readTree(root: string, below = ''): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const name of await readdir(join(root, below)).catch(() => [])) {
    const path = below === '' ? name : `${below}/${name}`;
    const stat = await lstat(join(root, path));
    if (stat.isSymbolicLink()) found.set(path, Buffer.from(`-> ${await readlink(join(root, path))}`));
    else if (stat.isDirectory())
      for (const [inner, content] of await readTree(root, path)) found.set(inner, content);
    else found.set(path, await readFile(join(root, path)));
  }
  return found;
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

async function readIfThere(file: string): Promise<Buffer> {
  return readFile(file).catch(() => Buffer.alloc(0));
}
