// Which runs start now. Pure: the same queue, resources and time give the same plan.

export interface QueuedRun {
  id: string;
  priority: number;
  /** Order of submission. */
  seq: number;
  held: boolean;
  /** Dependencies that haven't come true yet. */
  unmet: number;
}

export interface Resources {
  /** Runs that may go on at once. */
  slots: number;
  /** Slots that are taken. */
  occupied: number;
  /** New starts are switched off, by the user or because the disk is full. */
  paused: boolean;
}

/** True when a run only waits for its turn. */
export function isReady(run: QueuedRun): boolean {
  return !run.held && run.unmet === 0;
}

/** The order of the queue: higher priority first, then first come, first served. */
export function compareTurns(a: QueuedRun, b: QueuedRun): number {
  return b.priority - a.priority || a.seq - b.seq;
}

/** Ids of the runs to start, in order. */
export function plan(queue: readonly QueuedRun[], resources: Resources): string[] {
  if (resources.paused) return [];
  const free = Math.max(0, resources.slots - resources.occupied);
  return queue
    .filter(isReady)
    .sort(compareTurns)
    .slice(0, free)
    .map((run) => run.id);
}
