// What a daemon tells its box, and what it gets from it.
import type { Accounts } from './accounts.ts';
import type { BoxConfig } from './config.ts';
import type { ProgramOptions } from './devices/program.ts';
import type { OwnPresence } from './files/daemons.ts';

export interface BoxOptions {
  root: string;
  /** The daemon's home: two daemons of one member are two in the box. */
  home: string;
  /** Something has changed that a decision may make use of. Called often; one decision soon is enough. */
  onWake: () => void;
  programs?: ProgramOptions;
  /** How long to wait for one's turn to decide. */
  arbiterWaitMs?: number;
}

/** What a box is made of once it is open. */
export interface BoxParts {
  options: BoxOptions;
  config: BoxConfig;
  accounts: Accounts;
  presence: OwnPresence;
}

/** A run of ours whose turn it is, and what its supervisor needs. */
export interface OwnGrant {
  run: string;
  devices: string[];
  /** In the order in which they are to be taken. */
  lockPaths: string[];
  /** To be appended to: `held <pid> <start time> <boot id>`, then `ended <ms>`. */
  leasePath: string;
  /** A fifo: held open for writing as long as the locks. */
  lifePath: string;
  /** For the run's environment, over whatever was inherited. */
  variables: Record<string, string>;
}

export interface Explanation {
  words: string;
  position: number | null;
  expectedMs: number | null;
}
