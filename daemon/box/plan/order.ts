// The line: bands, then fair share between members, then seniority. A member's own runs: by priority, then seniority.
import { plannedMs } from './refusal.ts';
import type { PlanPolicy, PlanTicket } from './types.ts';

interface Queue {
  member: number;
  tickets: PlanTicket[];
  next: number;
  /** Device-seconds used, and those that this member's tickets before the next one will use at most. */
  share: number;
}

/** The tickets in the order in which they are served. */
export function orderLine(
  tickets: readonly PlanTicket[],
  { policy, usage, nowMs }: { policy: PlanPolicy; usage: ReadonlyMap<number, number>; nowMs: number },
): PlanTicket[] {
  const highest = Math.max(0, ...policy.bands.values());
  const band = (ticket: PlanTicket): number =>
    nowMs - ticket.seniorityMs >= policy.patienceMs ? highest : (policy.bands.get(ticket.member) ?? 0);
  const queues = queuesOf(tickets, usage);
  const line: PlanTicket[] = [];
  while (line.length < tickets.length) {
    let best: { queue: Queue; ticket: PlanTicket; band: number } | undefined;
    for (const queue of queues) {
      const ticket = queue.tickets[queue.next];
      if (ticket === undefined) continue;
      const candidate = { queue, ticket, band: band(ticket) };
      if (best === undefined || goesBefore(candidate, best)) best = candidate;
    }
    if (best === undefined) break;
    best.queue.next += 1;
    best.queue.share += (best.ticket.gpus * plannedMs(best.ticket, policy)) / 1000;
    line.push(best.ticket);
  }
  return line;
}

function queuesOf(tickets: readonly PlanTicket[], usage: ReadonlyMap<number, number>): Queue[] {
  const queues = new Map<number, Queue>();
  for (const ticket of tickets) {
    const queue = queues.get(ticket.member) ?? {
      member: ticket.member,
      tickets: [],
      next: 0,
      share: usage.get(ticket.member) ?? 0,
    };
    queue.tickets.push(ticket);
    queues.set(ticket.member, queue);
  }
  for (const queue of queues.values()) queue.tickets.sort(compareOwn);
  return [...queues.values()];
}

function compareOwn(a: PlanTicket, b: PlanTicket): number {
  return b.priority - a.priority || a.seniorityMs - b.seniorityMs || compareIds(a.run, b.run);
}

type Candidate = { queue: Queue; ticket: PlanTicket; band: number };

function goesBefore(a: Candidate, b: Candidate): boolean {
  const difference =
    b.band - a.band ||
    a.queue.share - b.queue.share ||
    a.ticket.seniorityMs - b.ticket.seniorityMs ||
    compareIds(a.ticket.run, b.ticket.run);
  return difference < 0;
}

/** Every daemon has to come to the same order, whatever its locale. */
function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
