// Where things lie in a box, and what their names may be. The names of a run's files and of a daemon's files say whose
// they are; the kernel says who wrote them, and only that counts.
import { join } from 'node:path';

const RUN_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** uid, hash of the home, and a number when somebody else has made a file of that name. */
const DAEMON_KEY = /^(\d{1,10})-[0-9a-f]{8}(?:\.\d{1,2})?$/;

export const isRunId = (text: string): boolean => RUN_ID.test(text);

/** The uid that a daemon's key speaks of; undefined when it is no key. */
export function uidOfKey(key: string): number | undefined {
  const uid = DAEMON_KEY.exec(key)?.[1];
  return uid === undefined ? undefined : Number(uid);
}

export interface BoxPlaces {
  root: string;
  boxFile: string;
  locks: string;
  tickets: string;
  leases: string;
  wake: string;
  usage: string;
  arbiterLock: string;
  deviceLock(device: string): string;
  ticket(run: string): string;
  lease(run: string): string;
  /** A fifo whose write end is open as long as something of the run has its descriptors. */
  leaseLife(run: string): string;
  /** The next such fifo, made ahead. */
  spareLife(key: string): string;
  /** Touched to wake a daemon. */
  wakeFile(key: string): string;
  /** Who the daemon is. */
  presence(key: string): string;
  /** A fifo that the daemon holds open. */
  daemonLife(key: string): string;
  /** What this daemon last decided and saw: the reservation, strangers. */
  note(key: string): string;
  /** There while this daemon decides. */
  deciding(key: string): string;
  usageFile(key: string): string;
}

export function boxPlaces(root: string): BoxPlaces {
  const folder = (name: string): string => join(root, name);
  const [locks, tickets, leases, wake, usage] = [
    folder('locks'),
    folder('tickets'),
    folder('leases'),
    folder('wake'),
    folder('usage'),
  ];
  return {
    ...{ root, locks, tickets, leases, wake, usage },
    boxFile: folder('box.yaml'),
    arbiterLock: join(locks, 'arbiter.lock'),
    deviceLock: (device) => join(locks, `${device}.lock`),
    ticket: (run) => join(tickets, `${run}.json`),
    lease: (run) => join(leases, `${run}.lease`),
    leaseLife: (run) => join(leases, `${run}.life`),
    spareLife: (key) => join(leases, `.${key}.spare`),
    wakeFile: (key) => join(wake, `${key}.wake`),
    presence: (key) => join(wake, `${key}.daemon`),
    daemonLife: (key) => join(wake, `${key}.life`),
    note: (key) => join(leases, `${key}.note`),
    deciding: (key) => join(leases, `${key}.deciding`),
    usageFile: (key) => join(usage, `${key}.json`),
  };
}
