// Tickets: one small file per waiting run. The name says which run, the file system says whose and since when.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { freeStem, isForeign, isOurs, isRunFile } from './own-names.ts';
import { parseJson } from './parse-json.ts';
import { type BoxPlaces, uidOfKey } from './places.ts';
import { type ForeignFile, ForeignFolder, type Ignored } from './read-file.ts';
import { overwriteOwn, renewOwn, replaceOwn } from './write-file.ts';

const ticketSchema = z.object({
  run: z.string(),
  daemon: z.string(),
  gpus: z.int().min(1).max(1024),
  type: z.string().max(64).nullable(),
  timeMs: z.int().positive().nullable(),
  priority: z.int().min(-1000).max(1000),
  /** It can begin as soon as it has devices; before that it gets none. */
  prepared: z.boolean(),
});

/** What a daemon asks for on behalf of a run. */
export type TicketRequest = Omit<z.infer<typeof ticketSchema>, 'daemon'>;

export interface Ticket extends z.infer<typeof ticketSchema> {
  member: number;
  seniorityMs: number;
  /** When its daemon last said that it still wants it. */
  renewedMs: number;
}

/** All tickets have this size, so that a change is one write over the whole. */
const TICKET_BYTES = 512;

export class Tickets {
  readonly #places: BoxPlaces;
  readonly #folder: ForeignFolder<Ticket>;
  /** Where ours are. */
  readonly #chosen = new Map<string, string>();

  constructor(places: BoxPlaces) {
    this.#places = places;
    this.#folder = new ForeignFolder(places.tickets, '.json', parseTicket);
  }

  read(): { tickets: Ticket[]; ignored: Ignored[] } {
    const { entries, ignored } = this.#folder.read();
    const [tickets, late] = firstOfEach(entries.map(({ content }) => content));
    const copies = entries
      .filter(({ content: { run }, file }) => late.has(`${file.uid} ${run}`))
      .map(({ file: { path, uid } }) => ({ path, uid, why: 'another member has named this run before' }));
    return { tickets, ignored: [...ignored, ...copies] };
  }

  /** Makes a ticket, or changes one of ours, which keeps its place. */
  put(request: TicketRequest, daemon: string): void {
    const text = JSON.stringify({ ...request, daemon })
      .padEnd(TICKET_BYTES - 1)
      .concat('\n');
    const path = this.#pathOf(request.run);
    if (!overwriteOwn(path, text)) replaceOwn(path, text);
  }

  /** Of a daemon that has just come: what one before it has prepared has to be prepared again. */
  unprepare(daemon: string): void {
    for (const ticket of this.read().tickets) {
      if (ticket.daemon !== daemon || !ticket.prepared) continue;
      const { run, gpus, type, timeMs, priority } = ticket;
      this.put({ run, gpus, type, timeMs, priority, prepared: false }, daemon);
    }
  }

  /** False when it isn't there. */
  renew(run: string): boolean {
    return renewOwn(this.#pathOf(run));
  }

  remove(run: string): void {
    const path = this.#pathOf(run);
    this.#chosen.delete(run);
    if (!isForeign(path)) rmSync(path, { force: true });
  }

  #pathOf(run: string): string {
    const known = this.#chosen.get(run);
    if (known !== undefined) return known;
    const { tickets } = this.#places;
    // An earlier daemon of this home may have made it.
    const made = this.#folder.read().entries.find(({ file, content }) => isOurs(file) && content.run === run);
    const path = made?.file.path ?? join(tickets, `${freeStem(tickets, run, ['.json'])}.json`);
    this.#chosen.set(run, path);
    return path;
  }
}

function parseTicket(file: ForeignFile): Ticket | string {
  const content = parseJson(ticketSchema, file.text);
  if (typeof content === 'string') return content;
  if (!isRunFile(file.name, content.run, /\.json$/)) return 'its name is not that of its run';
  if (uidOfKey(content.daemon) !== file.uid) return "it names another member's daemon";
  return { ...content, member: file.uid, seniorityMs: file.birthMs, renewedMs: file.modifiedMs };
}

/** Ids of runs are for all to see as soon as there is a ticket: who names one later than another member doesn't have it. */
function firstOfEach(tickets: Ticket[]): [Ticket[], Set<string>] {
  const first = new Map<string, Ticket>();
  const late = new Set<string>();
  for (const ticket of tickets) {
    const known = first.get(ticket.run);
    const isFirst = known === undefined || ticket.seniorityMs < known.seniorityMs;
    if (isFirst) first.set(ticket.run, ticket);
    if (known === undefined || known.member === ticket.member) continue;
    late.add(`${(isFirst ? known : ticket).member} ${ticket.run}`);
  }
  return [first.size === tickets.length ? tickets : [...first.values()], late];
}
