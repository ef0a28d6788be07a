// What the routes may ask of the daemon. Each field is owned by the module that its type comes from.
import type { EventHub } from '../events/hub.ts';
import type { Housekeeping } from '../house/housekeeping.ts';
import type { Settings } from '../house/settings.ts';
import type { LogFollower } from '../logs/log-follower.ts';
import type { Cancellation } from '../runner/cancel.ts';
import type { Executor } from '../runner/executor.ts';
import type { Submission } from '../runner/submission.ts';
import type { Workspaces } from '../runner/workspaces.ts';
import type { DeviceLine } from '../scheduler/device-line.ts';
import type { DownloadSigner } from './downloads.ts';
import type { PresentContext } from './present.ts';
import type { ProblemLog } from './problems.ts';

export interface ApiContext extends PresentContext {
  /** The machine's box, or this daemon's private one. */
  line: Pick<DeviceLine, 'explain' | 'again' | 'box' | 'isShared' | 'problem' | 'notice'>;
  executor: Pick<Executor, 'hold'>;
  hub: EventHub;
  log: ProblemLog;
  apiKeyFile: string;
  submission: Submission;
  cancellation: Cancellation;
  workspaces: Workspaces;
  housekeeping: Housekeeping;
  settings: Settings;
  follower: LogFollower;
  downloads: DownloadSigner;
  /** Aborted when the daemon stops: long answers end, watchers are told to come back. */
  stopping: AbortSignal;
}
