// What the steps of a run work with.
import type { UserConfig } from '../../shared/config.ts';
import type { HomePaths } from '../../shared/paths.ts';
import type { ArtifactCollector } from '../artifacts/collector.ts';
import type { Environments } from '../rundir/environments.ts';
import type { RunFolders } from '../rundir/run-folders.ts';
import type { Spaces } from '../spaces/index.ts';
import type { Store } from '../store/store.ts';
import type { EndSignals } from './end-signals.ts';

export interface RunnerLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface RoomWatch {
  /** Looks at the disk now; while it is full nothing starts. Resolves to whether it is. */
  look(): Promise<boolean>;
  /** For who has just found it full: resolves some time later when there may be room, or at once when aborted. */
  untilRoom(signal: AbortSignal): Promise<void>;
}

export interface RunnerDeps {
  store: Store;
  folders: RunFolders;
  environments: Environments;
  spaces: Spaces;
  collector: ArtifactCollector;
  ends: EndSignals;
  paths: HomePaths;
  disk: RoomWatch;
  log: RunnerLog;
  config: () => UserConfig;
  bootId: string;
  /** The command that brings up a daemon for this home, for a supervisor that finds none at its end. */
  startDaemonCommand: string[];
}
