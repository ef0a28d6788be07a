// Judges one run: what its folder says against what its job wrote into the ledger and what was done to it. Knows the
// promises, and nothing of how they are kept.
import { type LedgerLine, type RunEvidence, sha256 } from './evidence.ts';
import type { Request, VictimPart } from './journal.ts';
import { type ExpectedBytes, expectedBytes, expectedCode } from './workload.ts';

export const RUN_FAULTS = [
  'twice',
  'never',
  'stuck',
  'lost',
  'wrongEnd',
  'wrongExitCode',
  'wrongOutput',
  'wrongArtifacts',
  'wrongHistory',
  'outOfOrder',
] as const;
export type RunFault = (typeof RUN_FAULTS)[number];
export type Found = { fault: RunFault; what: string };

export interface Case {
  run: RunEvidence;
  request: Request;
  /** All lines of the request's tag, in the order of the ledger. */
  lines: readonly LedgerLine[];
  victims: ReadonlySet<VictimPart>;
  /** The last tries of the runs that it waited for, with their lines. */
  parents: readonly { run: RunEvidence; lines: readonly LedgerLine[] }[];
}

export function judge(subject: Case): Found[] {
  const { run, lines } = subject;
  const begins = lines.filter((line) => line.runId === run.id && line.what === 'begin');
  const end = lines.find((line) => line.runId === run.id && line.what === 'end');
  const found: Found[] = [];
  const blame = (fault: RunFault, what: string): unknown => found.push({ fault, what });
  if (begins.length > 1) blame('twice', `began ${begins.length} times`);
  if (!['succeeded', 'failed', 'cancelled'].includes(run.phase)) blame('stuck', `is still ${run.phase}`);
  else if (run.reason === 'exit') judgeExit(subject, { begins, end }, blame);
  else judgeOtherEnd(subject, { begins, end }, blame);
  judgeBytes(subject, { begins, end }, blame);
  judgeArtifacts(subject, end, blame);
  judgeOrder(subject, begins, blame);
  if (run.history.at(-1)?.phase !== run.phase || !isRising(run.history.map(({ seq }) => seq)))
    blame('wrongHistory', `${run.phase} after ${run.history.map(({ phase }) => phase).join(' ')}`);
  return found;
}

type Blame = (fault: RunFault, what: string) => unknown;
interface Lines {
  begins: LedgerLine[];
  end: LedgerLine | undefined;
}

/** Said to have come to its own end: the job must have said so too, with the same code. */
function judgeExit({ run, request, lines }: Case, { begins, end }: Lines, blame: Blame): void {
  const [begin] = begins;
  if (begin === undefined) {
    blame('never', 'said to have exited, and its job never began');
    return;
  }
  const nth = lines.filter(({ what, place }) => what === 'begin' && place <= begin.place).length;
  const expected =
    request.wish.kind === 'flaky' ? expectedCode(request.wish, nth) : expectedCode(request.wish, 1);
  if (end?.code !== run.exitCode || run.exitCode !== expected)
    blame('wrongExitCode', `says ${run.exitCode}, its job said ${end?.code}, ${expected} was right`);
  if ((run.phase === 'succeeded') !== (run.exitCode === 0))
    blame('wrongEnd', `${run.phase} with exit code ${run.exitCode}`);
}

function judgeOtherEnd({ run, request, victims, parents }: Case, { begins, end }: Lines, blame: Blame): void {
  const wasBeheaded = victims.has('leader') || victims.has('group');
  const allowed: Record<string, boolean> = {
    cancelled: request.cancel !== 'none',
    timeout: request.wish.timeMs !== null,
    signal: wasBeheaded && run.exitCode === 137,
    // Honest only when nobody was left who could have seen the end.
    lost: victims.has('supervisor'),
    dependency: begins.length === 0 && parents.some(({ run: parent }) => parent.phase !== 'succeeded'),
    prepare_failed: begins.length === 0 && victims.has('supervisor'),
  };
  const reason = run.reason ?? 'none';
  if (allowed[reason] !== true)
    blame(reason === 'lost' ? 'lost' : 'wrongEnd', `${run.phase}, ${reason}: ${run.message ?? ''}`);
  const needsBegin = reason === 'timeout' || reason === 'signal';
  if (needsBegin && begins.length === 0 && !wasBeheaded) blame('never', `${reason}, and its job never began`);
  // Whoever loses its supervisor goes on to its own end.
  const wasLeftAlone = !wasBeheaded && request.cancel === 'none' && request.wish.timeMs === null;
  if (reason === 'lost' && begins.length > 0 && wasLeftAlone && !end)
    blame('wrongEnd', 'lost its supervisor, and its job was ended for that');
}

/** Whole when it came to its own end, the beginning of it otherwise. */
function judgeBytes({ run, request }: Case, { begins, end }: Lines, blame: Blame): void {
  const expected = expectedBytes(request.wish);
  for (const stream of ['stdout', 'stderr'] as const) {
    const [got, right] = [run[stream], expected[stream]];
    const fits = end ? got.equals(right) : got.equals(right.subarray(0, got.length));
    if (!fits || (begins.length === 0 && got.length > 0))
      blame('wrongOutput', `${stream}: ${got.length} bytes, ${right.length} were right`);
  }
}

function judgeArtifacts({ run, request }: Case, end: LedgerLine | undefined, blame: Blame): void {
  const listed = new Map(run.manifest.map((entry) => [entry.path, entry]));
  for (const [path, content] of run.files) {
    const entry = listed.get(path);
    const isLink = content.subarray(0, 3).toString() === '-> ' && entry?.target !== undefined;
    const isRight = isLink ? content.toString() === `-> ${entry.target}` : entry?.sha256 === sha256(content);
    if (!isRight) blame('wrongArtifacts', `${path} is not what its manifest says`);
  }
  if (listed.size !== run.files.size)
    blame('wrongArtifacts', `${listed.size} listed, ${run.files.size} kept`);
  if (!end) return;
  const expected: ExpectedBytes['files'] = expectedBytes(request.wish).files;
  for (const [path, content] of expected)
    if (!run.files.get(path)?.equals(content)) blame('wrongArtifacts', `${path} is missing or wrong`);
  if (run.files.size !== expected.size) blame('wrongArtifacts', `kept ${[...run.files.keys()].join(', ')}`);
}

/** A run that waits for another one's success begins after that one's end. */
function judgeOrder({ parents }: Case, begins: LedgerLine[], blame: Blame): void {
  const [begin] = begins;
  if (!begin) return;
  for (const { run: parent, lines } of parents) {
    const ended = lines.find((line) => line.runId === parent.id && line.what === 'end');
    if (parent.phase !== 'succeeded' || !ended || ended.place > begin.place)
      blame('outOfOrder', `began before ${parent.id} had succeeded`);
  }
}

function isRising(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0));
}
