// Tickets: one small file per waiting run. The name says which run, the file system says whose and since when.
import { rmSync } from 'node:fs';
import { z } from 'zod';
import { parseJson } from './parse-json.ts';
import { type BoxPlaces, isRunId, uidOfKey } from './places.ts';
import { type Entry, type ForeignFile, ForeignFolder, type Ignored } from './read-file.ts';
import { overwriteOwn, renewOwn, replaceOwn } from './write-file.ts';

const ticketSchema = z.object({
  run: z.string(),
  daemon: z.string(),
  gpus: z.int().min(1).max(1024),
  type: z.string().max(64).nullable(),
  timeMs: z.int().positive().nullable(),
  priority: z.int().min(-1000).max(1000),
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
  readonly #folder: ForeignFolder<z.infer<typeof ticketSchema>>;

  constructor(places: BoxPlaces) {
    this.#places = places;
    this.#folder = new ForeignFolder(places.tickets, '.json', parseTicket);
  }

  read(): { tickets: Ticket[]; ignored: Ignored[] } {
    const { entries, ignored } = this.#folder.read();
    return { tickets: entries.map(toTicket), ignored };
  }

  /** Makes a ticket, or changes one of ours, which keeps its place. */
  put(request: TicketRequest, daemon: string): void {
    const text = JSON.stringify({ ...request, daemon })
      .padEnd(TICKET_BYTES - 1)
      .concat('\n');
    const path = this.#places.ticket(request.run);
    if (!overwriteOwn(path, text)) replaceOwn(path, text);
  }

  /** False when it isn't there. */
  renew(run: string): boolean {
    return renewOwn(this.#places.ticket(run));
  }

  remove(run: string): void {
    rmSync(this.#places.ticket(run), { force: true });
  }
}

function parseTicket(file: ForeignFile): z.infer<typeof ticketSchema> | string {
  const content = parseJson(ticketSchema, file.text);
  if (typeof content === 'string') return content;
  if (!isRunId(content.run) || file.name !== `${content.run}.json`) return 'its name is not that of its run';
  if (uidOfKey(content.daemon) !== file.uid) return "it names another member's daemon";
  return content;
}

function toTicket({ file, content }: Entry<z.infer<typeof ticketSchema>>): Ticket {
  return { ...content, member: file.uid, seniorityMs: file.birthMs, renewedMs: file.modifiedMs };
}
