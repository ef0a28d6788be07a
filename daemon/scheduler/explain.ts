// Why a pending run waits, in a sentence. Pure but for the clock.
import { clock, type Explanation } from '../box/index.ts';
import type { Resources } from './plan.ts';

export interface Waiting {
  held: boolean;
  /** Ids (as shown) of the runs that it waits for. */
  needs: string[];
  /** Ready runs before it. */
  ahead: number;
  /** What the box says of a run that asks for devices; null for one that doesn't. */
  devices: Explanation | null;
}

export function explainWaiting(run: Waiting, resources: Resources, problem: string | null): string {
  if (run.held) return 'held; start it with: qwex release';
  if (run.needs.length > 0) return `waiting for run ${run.needs.join(', ')}`;
  if (problem !== null) return problem;
  if (resources.paused) return 'the queue is paused; go on with: qwex resume';
  if (run.devices !== null) return deviceWords(run.devices);
  if (run.ahead > 0) return `${run.ahead} ahead of you`;
  if (resources.occupied < resources.slots) return 'starts now';
  const slots = resources.slots === 1 ? 'the slot is' : `all ${resources.slots} slots are`;
  return `next; ${slots} taken`;
}

function deviceWords({ words, expectedMs }: Explanation): string {
  return expectedMs === null ? words : `${words}; expected to start by ${clock(expectedMs, Date.now())}`;
}

/** Why a run that asks for devices has no place in the line yet. */
export function unplacedWords(state: {
  problem: string | null;
  isOpening: boolean;
  hasTicket: boolean;
  mostTickets: number;
}): string {
  if (state.problem !== null) return state.problem;
  if (state.isOpening) return 'waiting to hear which devices this machine has';
  if (state.hasTicket) return 'its place in the line is being found';
  return `takes its place in the line when fewer than ${state.mostTickets} of your runs wait before it`;
}
