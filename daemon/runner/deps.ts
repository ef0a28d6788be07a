// What the steps of a run work with.
import type { UserConfig } from '../../shared/config.ts';
import type { HomePaths } from '../../shared/paths.ts';
import type { ArtifactCollector } from '../artifacts/collector.ts';
import type { OwnGrant } from '../box/index.ts';
import type { Environments } from '../rundir/environments.ts';
import type { RunFolders } from '../rundir/run-folders.ts';
import type { Spaces } from '../spaces/index.ts';
import type { Store } from '../store/store.ts';
import type { ProcessIdentity } from '../supervisor/index.ts';
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

/** What a prepared run waits for. */
export type Turn =
  | { kind: 'granted'; grant: OwnGrant }
  /** Held: back into the queue. */
  | { kind: 'withdrawn' }
  /** Cancelled, or the daemon stops. */
  | { kind: 'interrupted' };

/** The machine's devices, as the steps of a run see them. */
export interface DeviceQueue {
  /** Resolves when it is known what devices there are, or that nobody can tell. */
  known(): Promise<void>;
  /** Of a claimed, prepared run. A grant is to be used within two seconds, or given back. */
  turnOf(runId: string): Promise<Turn>;
  /** A supervisor has the devices; undefined for one that died before it could say who it is. */
  started(runId: string, supervisor: ProcessIdentity | undefined): Promise<void>;
  /** The grant was not used. */
  giveBack(runId: string): void;
  /** It waits for no turn any more, however it went. */
  leave(runId: string): void;
  /** Its exit is recorded. */
  ended(runId: string): void;
  /** Takes a claimed run that doesn't run yet out of the line; false when it isn't in it. */
  withdraw(runId: string): boolean;
  /** Variables of a run that is to see no device. */
  noDevices(): Record<string, string>;
  /** The limit that a run with devices has. */
  timeLimitMs(resources: { timeMs: number | null }): number | null;
}

export interface RunnerDeps {
  devices: DeviceQueue;
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
  /** What that daemon gets of an environment. */
  daemonEnvironment: Readonly<Record<string, string>>;
}
