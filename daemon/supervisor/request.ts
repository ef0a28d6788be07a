// What a supervisor has to be told, and how that reaches the shell: settings in SUP_* variables, lists one item a line.

import { homedir } from 'node:os';

export interface DeviceHold {
  /** Existing files whose locks are the devices of this run, in the order in which they are taken. */
  lockPaths: string[];
  /** An existing file, where the supervisor says when it has them and when all is over. */
  leasePath: string;
  /** An existing fifo, held open as long as the locks. */
  lifePath: string;
}

export interface SuperviseRequest {
  runId: string;
  /** The run's folder: claims, facts, logs. Absolute. */
  runDir: string;
  /** Holds the lock and the fifos: the run's folder, or one on a local disk when that is on a network file system. */
  localDir: string;
  /** Wall time the script may take, above 0; null for no limit. */
  timeLimitMs: number | null;
  /** Between TERM and KILL. */
  graceMs: number;
  /** Where a file named by the run's id appears when it has ended. */
  endedDir: string;
  /** The lock that a living daemon holds. */
  daemonLock: string;
  /** The command that starts a daemon when that lock is free at the end; empty for none. */
  startDaemon: string[];
  /** All that it gets of an environment: what we got when we were started, or it would look for another box, say. */
  daemonEnvironment: Readonly<Record<string, string>>;
  /** qwex's own home. With the user's, all that the supervisor gets of an environment. */
  home: string;
  /** What the run holds of the machine; null for a run without devices. */
  devices: DeviceHold | null;
  /** For tests: the transition at which the supervisor kills itself with KILL. */
  faultPoint?: string;
}

export interface StartRequest extends SuperviseRequest {
  /** From 1; a run that never ran may be started again under the next number. */
  attempt: number;
  /** Where the script starts. */
  cwd: string;
  /** NUL-separated NAME=value, private to the user: the submitter's environment. */
  environmentFile: string;
  /** The run's own variables, laid over that environment. Not secret: they are kept in the run's folder. */
  variables: Record<string, string>;
  /** File mode creation mask of the script. */
  umask: number;
}

/** The whole environment of a supervisor that takes over. */
export function adoptSettings(request: SuperviseRequest): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LC_ALL: 'C',
    TZ: 'UTC0',
    HOME: homedir(),
    QWEX_HOME: request.home,
    SUP_RUN_ID: request.runId,
    SUP_LOCAL_DIR: request.localDir,
    SUP_TIME_LIMIT_MS: wholeMs(request.timeLimitMs ?? 0),
    SUP_GRACE_MS: wholeMs(request.graceMs),
    SUP_ENDED_DIR: request.endedDir,
    SUP_DAEMON_LOCK: request.daemonLock,
    SUP_START_DAEMON: lines(request.startDaemon),
    SUP_DAEMON_ENVIRONMENT: entries(request.daemonEnvironment),
    ...(request.devices !== null && {
      SUP_DEVICE_LOCKS: lines(request.devices.lockPaths),
      SUP_LEASE: request.devices.leasePath,
      SUP_DEVICE_LIFE: request.devices.lifePath,
    }),
    ...(request.faultPoint === undefined ? {} : { SUP_KILL_AT: request.faultPoint }),
  };
}

/** The whole environment of a supervisor that starts a run. */
export function startSettings(request: StartRequest): Record<string, string> {
  return {
    ...adoptSettings(request),
    SUP_ATTEMPT: wholeMs(request.attempt),
    SUP_CWD: request.cwd,
    SUP_UMASK: request.umask.toString(8),
    SUP_ENVIRONMENT_FILE: request.environmentFile,
  };
}

/** NUL-separated NAME=value, the form in which an environment reaches the job. */
export function environmentBytes(variables: Record<string, string>): string {
  const entries = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  if (entries.some((entry) => entry.includes('\0'))) throw new TypeError('a variable holds a NUL byte');
  return entries.map((entry) => `${entry}\0`).join('');
}

// One with a newline in it is left out: the shell reads lines.
function entries(variables: Readonly<Record<string, string>>): string {
  const all = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return all.filter((entry) => !entry.includes('\n')).join('\n');
}

function lines(words: string[]): string {
  if (words.some((word) => word === '' || word.includes('\n'))) {
    throw new TypeError('a word for the supervisor is empty or holds a newline');
  }
  return words.join('\n');
}

// The shell computes with these: anything but digits could be read as an expression.
function wholeMs(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`not a whole number: ${value}`);
  return String(value);
}
