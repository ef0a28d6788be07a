// The life of a run as one table. The store executes these rows and nothing else changes a run's phase;
// docs/architecture.md carries a diagram generated from it, and a test compares the two.

/** Where a run is. The first four are steps of its life, the last three its end. */
export const PHASES = [
  'queued',
  'preparing',
  'running',
  'collecting',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export type Phase = (typeof PHASES)[number];

/** What the protocol calls it. */
export const STATUSES = ['pending', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type Status = (typeof STATUSES)[number];

/** Why a run ended as it did; `null` while it has not. */
export const END_REASONS = [
  'exit',
  'signal',
  'timeout',
  'cancelled',
  'lost',
  'prepare_failed',
  'collect_failed',
  'dependency',
] as const;
export type EndReason = (typeof END_REASONS)[number];

interface Transition {
  /** Phases that the verb may be said in; empty: it makes the run. */
  readonly from: readonly Phase[];
  /** The phase after it, or `same` when the verb only records a wish. */
  readonly to: Phase | 'same';
  /** The event that it publishes. */
  readonly event: string;
}

/** verb → from → to. Each verb is a method of the store. */
export const TRANSITIONS = {
  submit: { from: [], to: 'queued', event: 'submitted' },
  hold: { from: ['queued'], to: 'same', event: 'held' },
  release: { from: ['queued'], to: 'same', event: 'released' },
  claim: { from: ['queued'], to: 'preparing', event: 'claimed' },
  requeue: { from: ['preparing'], to: 'queued', event: 'requeued' },
  start: { from: ['preparing'], to: 'running', event: 'started' },
  exit: { from: ['running'], to: 'collecting', event: 'exited' },
  requestCancel: { from: ['preparing', 'running'], to: 'same', event: 'cancel_requested' },
  succeed: { from: ['collecting'], to: 'succeeded', event: 'succeeded' },
  fail: { from: ['queued', 'preparing', 'collecting'], to: 'failed', event: 'failed' },
  cancel: { from: ['queued', 'preparing', 'collecting'], to: 'cancelled', event: 'cancelled' },
  lose: { from: ['preparing', 'collecting'], to: 'failed', event: 'lost' },
} as const satisfies Record<string, Transition>;

export type Verb = keyof typeof TRANSITIONS;
export type RunEventType = (typeof TRANSITIONS)[Verb]['event'];

export const VERBS = Object.keys(TRANSITIONS) as Verb[];
export const EVENT_TYPES = VERBS.map((verb) => TRANSITIONS[verb].event);

const STATUS_OF: Record<Phase, Status> = {
  queued: 'pending',
  preparing: 'pending',
  running: 'running',
  collecting: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
};

export function statusOf(phase: Phase): Status {
  return STATUS_OF[phase];
}

export function hasEnded(phase: Phase): boolean {
  return phase === 'succeeded' || phase === 'failed' || phase === 'cancelled';
}

/** Phases in which a run takes a slot: from the moment it is chosen until its last process is gone. */
export const OCCUPYING_PHASES = ['preparing', 'running'] as const satisfies readonly Phase[];

/** The sentence for a refused verb: `cannot start run 7: it is cancelled`. */
export function refusal(verb: Verb, id: string, phase: Phase): string {
  const words: Record<Verb, string> = {
    submit: 'submit',
    hold: 'hold',
    release: 'release',
    claim: 'claim',
    requeue: 'requeue',
    start: 'start',
    exit: 'record the exit of',
    requestCancel: 'cancel',
    succeed: 'complete',
    fail: 'fail',
    cancel: 'cancel',
    lose: 'lose',
  };
  const state = hasEnded(phase) ? `it has already ended (${phase})` : `it is ${phase}`;
  return `cannot ${words[verb]} run ${id}: ${state}`;
}

/** The table as a Mermaid state diagram. */
export function stateDiagram(): string {
  const lines = ['stateDiagram-v2'];
  for (const verb of VERBS) {
    const { from, to } = TRANSITIONS[verb];
    const sources: readonly string[] = from.length === 0 ? ['[*]'] : from;
    for (const source of sources) lines.push(`  ${source} --> ${to === 'same' ? source : to}: ${verb}`);
  }
  for (const phase of PHASES.filter(hasEnded)) lines.push(`  ${phase} --> [*]`);
  return lines.join('\n');
}
