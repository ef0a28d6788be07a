// What the line of this daemon's runs is given.
import type { Store } from '../store/store.ts';
import type { OpenBox } from './joined-box.ts';

export interface DeviceLineOptions {
  store: Store;
  /** The folder of the shared box that is meant now; null: there is none. */
  meantBox: () => string | null;
  /** Takes part in a box, the private one for null, or says why not. */
  open: (root: string | null, onWake: () => void) => Promise<OpenBox>;
  /** A fault that forbids new starts, in words; null when there is none. */
  problem: () => string | null;
  /** Claims a run, prepares it and asks for its turn. */
  start: (runId: string) => void;
  /** Between looks at a box that can't be used, while runs wait for it. */
  retryMs?: number;
  log: { warn(fields: object, message: string): void; error(fields: object, message: string): void };
}
