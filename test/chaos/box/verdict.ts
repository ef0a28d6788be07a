// What is wrong with one run of the box's chaos, given what was done to it. Pure.
import type { RunEvidence } from '../evidence.ts';

export const RUN_FAULTS = [
  'missing',
  'unacknowledged',
  'twice',
  'never',
  'stuck',
  'lost',
  'wrongEnd',
  'wrongMember',
] as const;
export type BoxFault = (typeof RUN_FAULTS)[number];

export interface BoxLine {
  text: string;
  atMs: number;
  /** `begin`, `end`, or `double:DEVICE`. */
  what: string;
  run: string;
  tag: string;
  uid: number;
  pid: number;
  gpus: string[];
}

export interface BoxCase {
  run: Pick<RunEvidence, 'phase' | 'reason' | 'exitCode' | 'message'>;
  lines: readonly BoxLine[];
  /** Whose run it is. */
  uid: number;
  /** What of it was killed: supervisor, leader, group, all. */
  victims: ReadonlySet<string>;
}

export function judgeBoxRun({ run, lines, uid, victims }: BoxCase): { fault: BoxFault; what: string }[] {
  const found: { fault: BoxFault; what: string }[] = [];
  const blame = (fault: BoxFault, what: string): void => void found.push({ fault, what });
  const begins = lines.filter(({ what }) => what === 'begin').length;
  const ends = lines.filter(({ what }) => what === 'end').length;
  const wasKilled = victims.size > 0;
  if (begins > 1) blame('twice', `began ${begins} times`);
  if (begins === 0 && !wasKilled) blame('never', `${run.reason}: its job never began`);
  if (!['succeeded', 'failed', 'cancelled'].includes(run.phase)) blame('stuck', `is ${run.phase}`);
  const lostItsKeeper = victims.has('supervisor') || victims.has('all');
  const allowed: Record<string, boolean> = {
    exit: run.exitCode === 0 && ends === 1,
    signal: wasKilled && run.exitCode === 137,
    // Honest only when nobody was left who could have seen the end.
    lost: lostItsKeeper,
    prepare_failed: lostItsKeeper && begins === 0,
  };
  const reason = run.reason ?? 'none';
  if (allowed[reason] !== true)
    blame(reason === 'lost' ? 'lost' : 'wrongEnd', `${run.phase}, ${reason} ${run.exitCode}: ${run.message}`);
  if (reason === 'lost' && begins === 1 && ends === 0 && [...victims].every((part) => part === 'supervisor'))
    blame('wrongEnd', 'lost its supervisor, and its job was ended for that');
  for (const line of lines) if (line.uid !== uid) blame('wrongMember', `ran as uid ${line.uid}`);
  return found;
}
