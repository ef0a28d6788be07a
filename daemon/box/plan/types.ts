// What a decision about the line is made from, and what comes out. Plain data: no files, no clock, no names of people.

/** Daemons that don't know the version written in box.yaml must not decide. Raise it when the same view may give another result. */
export const PLAN_VERSION = 1;

export type DeviceState =
  | { kind: 'free' }
  /** `run` and `member` are null when the lock is held and nobody has said by whom. */
  | {
      kind: 'leased';
      run: string | null;
      member: number | null;
      sinceMs: number;
      /** By its time limit, or by the box's default; null when nothing is known. */
      untilMs: number | null;
    }
  /** Used by a process that is no run's. */
  | { kind: 'stranger'; who: string }
  | { kind: 'drained'; why: string | null };

export interface PlanDevice {
  id: string;
  type: string;
  memoryMb: number;
  state: DeviceState;
}

export interface PlanTicket {
  run: string;
  /** uid of the file's owner. */
  member: number;
  /** From 1: runs without devices need no ticket. */
  gpus: number;
  type: string | null;
  /** null: the box's default time is what it is planned with. */
  timeMs: number | null;
  /** Orders this member's own runs only. */
  priority: number;
  /** Birth of the ticket. */
  seniorityMs: number;
  daemonAlive: boolean;
  /** Was first, was woken, and did not take its devices. */
  passedOver: boolean;
  /** Its space is there: it can begin as soon as it has devices. Until then it gets none, and keeps its place. */
  isPrepared: boolean;
}

export interface MemberLimits {
  maxDevices: number | null;
  maxRuns: number | null;
}

export interface PlanPolicy {
  defaultTimeMs: number;
  maxTimeMs: number | null;
  /** A ticket that has waited this long is in the highest band, so that no band can starve another for ever. */
  patienceMs: number;
  everyone: MemberLimits;
  /** Where a member differs from everyone. */
  limits: ReadonlyMap<number, MemberLimits>;
  /** Higher goes first; members that aren't in it are in band 0. */
  bands: ReadonlyMap<number, number>;
}

export interface Reservation {
  run: string;
  devices: string[];
  /** When the devices are free, by the time limits of who holds them. */
  atMs: number;
  /** The earliest that was ever promised. */
  promisedMs: number;
}

export interface PlanView {
  devices: readonly PlanDevice[];
  tickets: readonly PlanTicket[];
  policy: PlanPolicy;
  /** Decayed device-seconds, running runs included. */
  usage: ReadonlyMap<number, number>;
  reservation: Reservation | null;
}

export interface Holder {
  device: string;
  run: string | null;
  member: number | null;
  untilMs: number | null;
}

/** What keeps devices from being given to anyone. */
export interface Blocked {
  device: string;
  kind: 'stranger' | 'drained';
  words: string | null;
}

export type WaitReason =
  /** The first in line: its devices are reserved. */
  | { kind: 'devices'; needs: number; free: number; holders: Holder[]; blocked: Blocked[] }
  /** `needs` more devices than are free, with others before it. */
  | { kind: 'behind'; ahead: number; first: { run: string; member: number }; needs: number; free: number }
  /** It would fit now, and would keep the first in line waiting longer. */
  | { kind: 'reserved'; first: { run: string; member: number }; devices: string[]; atMs: number }
  | { kind: 'limit'; what: 'devices' | 'runs'; limit: number; used: number }
  /** No time can be told: strangers or drained devices are in the way. */
  | { kind: 'blocked'; needs: number; usable: number; blocked: Blocked[] }
  /** Its turn has come before it was prepared. Whoever is prepared goes first until it is. */
  | { kind: 'unprepared' }
  | { kind: 'daemon_gone' }
  | { kind: 'passed_over' };

export interface Waiting {
  run: string;
  member: number;
  /** From 1, among those that wait; null when it isn't in the line at the moment. */
  position: number | null;
  reason: WaitReason;
}

export interface Grant {
  run: string;
  member: number;
  devices: string[];
}

export type RefusalReason =
  | { kind: 'too_many'; asked: number; exist: number; type: string | null }
  | { kind: 'no_such_type'; type: string; types: string[] }
  | { kind: 'over_limit'; asked: number; limit: number }
  | { kind: 'too_long'; askedMs: number; maxMs: number };

export interface Refusal {
  run: string;
  member: number;
  reason: RefusalReason;
}

export interface Decision {
  grants: Grant[];
  reservation: Reservation | null;
  waiting: Waiting[];
  refusals: Refusal[];
  /**
   * When those that wait start if everyone uses all of their time, in ms, for whom that can be told. Most of the work
   * of a long line, and nobody's start waits for it: it is done when it is asked for.
   */
  expectedStarts(): ReadonlyMap<string, number>;
}
