// The daemons of a box: who they are, whether they live, and how to wake them.
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { z } from 'zod';
import { type ProcessIdentity, readIdentity } from '../../supervisor/identity.ts';
import { isLiving } from '../processes.ts';
import { holdLife, makeFifo } from './life.ts';
import { isForeign, removeTemporaries } from './own-names.ts';
import { parseJson } from './parse-json.ts';
import { type BoxPlaces, boxPlaces, uidOfKey } from './places.ts';
import { type ForeignFile, ForeignFolder, type Ignored } from './read-file.ts';
import { Tickets } from './tickets.ts';
import { renewOwn, replaceOwn, touchOthers } from './write-file.ts';

const presenceSchema = z.object({
  pid: z.int().positive(),
  startTime: z.string().regex(/^\d+$/),
  bootId: z.string().max(64),
});

export interface Presence {
  key: string;
  member: number;
  identity: ProcessIdentity;
  isAlive: boolean;
  /** When it came. */
  sinceMs: number;
  /** When it last answered a wake. */
  answeredMs: number;
  /** When it was last woken; null when its wake file is gone. */
  wokenMs: number | null;
}

export class Daemons {
  readonly #places: BoxPlaces;
  readonly #folder: ForeignFolder<ProcessIdentity>;

  constructor(places: BoxPlaces) {
    this.#places = places;
    this.#folder = new ForeignFolder(places.wake, '.daemon', parsePresence);
  }

  read(bootId: string): { daemons: Presence[]; ignored: Ignored[] } {
    const { entries, ignored } = this.#folder.read();
    const daemons = entries.map(({ file, content }) => {
      const key = file.name.slice(0, -'.daemon'.length);
      const wake = lstatSync(this.#places.wakeFile(key), { throwIfNoEntry: false });
      return {
        key,
        member: file.uid,
        identity: content,
        isAlive: isLiving(content, bootId),
        sinceMs: file.birthMs,
        answeredMs: file.modifiedMs,
        wokenMs: wake?.uid === file.uid && wake.isFile() ? wake.mtimeMs : null,
      };
    });
    return { daemons, ignored };
  }

  /** False when it has no wake file. */
  wake(key: string): boolean {
    return touchOthers(this.#places.wakeFile(key));
  }
}

/** This daemon's own place among them, until closed. */
export class OwnPresence {
  readonly key: string;
  readonly identity: ProcessIdentity;
  readonly #places: BoxPlaces;
  readonly #life: { close(): void };

  private constructor(options: {
    key: string;
    identity: ProcessIdentity;
    places: BoxPlaces;
    life: { close(): void };
  }) {
    this.key = options.key;
    this.identity = options.identity;
    this.#places = options.places;
    this.#life = options.life;
  }

  static async announce(root: string, home: string): Promise<OwnPresence> {
    const places = boxPlaces(root);
    removeTemporaries([places.tickets, places.leases, places.wake, places.usage]);
    const key = freeKey(places, home);
    if (!isForeign(places.spareLife(key))) rmSync(places.spareLife(key), { force: true });
    const identity = await readIdentity(process.pid);
    if (identity === undefined) throw new Error('this process is not to be seen in /proc');
    await makeFifo(places.daemonLife(key));
    const life = holdLife(places.daemonLife(key));
    new Tickets(places).unprepare(key);
    // All may write to it: that is how they wake us.
    replaceOwn(places.wakeFile(key), '\n', 0o666);
    replaceOwn(places.presence(key), `${JSON.stringify(identity)}\n`);
    return new OwnPresence({ key, identity, places, life });
  }

  /** Says that every wake up to now has been heard. */
  answer(): void {
    const path = this.#places.presence(this.key);
    // Whoever tidied up must not make us look dead.
    if (!renewOwn(path)) replaceOwn(path, `${JSON.stringify(this.identity)}\n`);
  }

  close(): void {
    rmSync(this.#places.presence(this.key), { force: true });
    rmSync(this.#places.wakeFile(this.key), { force: true });
    rmSync(this.#places.daemonLife(this.key), { force: true });
    this.#life.close();
  }
}

/** A name that nobody else has taken. Names can be guessed, so somebody may have made the files before us. */
function freeKey(places: BoxPlaces, home: string): string {
  const uid = process.getuid?.() ?? 0;
  const base = `${uid}-${createHash('sha256').update(home).digest('hex').slice(0, 8)}`;
  const foreign = new Set(
    [places.wake, places.leases, places.usage].flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.startsWith(base))
        .filter((name) => (lstatSync(`${folder}/${name}`, { throwIfNoEntry: false })?.uid ?? uid) !== uid)
        .map((name) => name.replace(/\.[a-z]+$/, '')),
    ),
  );
  for (let number = 0; number < 100; number += 1) {
    const key = number === 0 ? base : `${base}.${number}`;
    if (!foreign.has(key)) return key;
  }
  return base;
}

function parsePresence(file: ForeignFile): ProcessIdentity | string {
  const uid = uidOfKey(file.name.slice(0, -'.daemon'.length));
  if (uid === undefined) return 'its name is not that of a daemon';
  if (uid !== file.uid) return "its name is another member's";
  return parseJson(presenceSchema, file.text);
}
