// What each daemon last decided and saw, so that the next decision, whoever makes it, keeps to it: the reservation, and
// strangers on devices. A note is checked before it counts: it may be old, and anyone may write their own.
import { z } from 'zod';
import type { Reservation } from '../plan/types.ts';
import { parseJson } from './parse-json.ts';
import { type BoxPlaces, uidOfKey } from './places.ts';
import { type ForeignFile, ForeignFolder, type Ignored } from './read-file.ts';
import { tryReplaceOwn } from './write-file.ts';

const noteSchema = z.object({
  decidedMs: z.number(),
  reservation: z
    .object({
      run: z.string(),
      devices: z.array(z.string().max(64)).max(1024),
      atMs: z.number(),
      promisedMs: z.number(),
    })
    .nullable(),
  /** Device → the pid that uses it and the words for it. */
  strangers: z.array(
    z.object({
      device: z.string().max(64),
      pid: z.int().positive().nullable(),
      words: z.string().max(200),
      seenMs: z.number(),
    }),
  ),
});

export type Note = z.infer<typeof noteSchema>;
export type StrangerNote = Note['strangers'][number];

export interface SignedNote extends Note {
  key: string;
  member: number;
  /** By the kernel's clock, not by the writer's word. */
  writtenMs: number;
}

export class Notes {
  readonly #places: BoxPlaces;
  readonly #folder: ForeignFolder<Note>;

  constructor(places: BoxPlaces) {
    this.#places = places;
    this.#folder = new ForeignFolder(places.leases, '.note', parseNote);
  }

  read(): { notes: SignedNote[]; ignored: Ignored[] } {
    const { entries, ignored } = this.#folder.read();
    const notes = entries.map(({ file, content }) => ({
      ...content,
      key: file.name.slice(0, -'.note'.length),
      member: file.uid,
      writtenMs: file.birthMs,
    }));
    return { notes, ignored };
  }

  write(key: string, note: Note): void {
    tryReplaceOwn(this.#places.note(key), `${JSON.stringify(note)}\n`);
  }
}

/** The reservation that stands: the last one written down for a run that still waits. */
export function standingReservation(
  notes: readonly SignedNote[],
  waiting: ReadonlySet<string>,
): Reservation | null {
  const last = [...notes].sort((a, b) => b.writtenMs - a.writtenMs || (a.key < b.key ? -1 : 1))[0];
  const reservation = last?.reservation ?? null;
  return reservation !== null && waiting.has(reservation.run) ? reservation : null;
}

function parseNote(file: ForeignFile): Note | string {
  if (uidOfKey(file.name.slice(0, -'.note'.length)) !== file.uid) return "its name is another member's";
  return parseJson(noteSchema, file.text);
}
