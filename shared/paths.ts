// Where everything of a user's home lies. The CLI, the daemon and the supervisor compute the same paths from the
// same home, so nothing here may depend on the session (XDG_RUNTIME_DIR differs between ssh, cron and systemd).
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

export interface HomePaths {
  home: string;
  /** Folder for socket, locks and fifos: the home itself, or one on a local disk when the home can't carry them. */
  local: string;
  /** Why `local` isn't the home; null when it is. */
  localReason: 'network_home' | 'long_path' | null;
  /** The id of this machine when the home may be that of daemons on others, too; null when it isn't. */
  machine: string | null;
  socket: string;
  daemonLock: string;
  database: string;
  /** The wish that the next daemon make the database anew, and when it was wished (ms since 1970). */
  rebuildOrder: string;
  log: string;
  apiKey: string;
  config: string;
  /** One small file per run that has ended and isn't collected yet. */
  ended: string;
  /** Submitters' environments, 0600. */
  environments: string;
  repos: string;
  spaces: string;
  /** What is being deleted in the background; on the file system of the spaces. */
  trash: string;
  /** Spaces that wait to be used again. */
  pool: string;
  /** Root of the per-workspace folders; the home unless moved. */
  runs: string;
}

/** sun_path holds 108 bytes with its terminator (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107;

/** statfs(2) magic numbers of file systems on which locks, fifos or SQLite's WAL can't be trusted. */
const NETWORK_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB2
  0x5346414f, // AFS
  0x0bd00bd0, // Lustre
  0x47504653, // GPFS
  0x19830326, // BeeGFS
  0x00c36400, // Ceph
  0x65735546, // FUSE: may be sshfs
]);

/** `QWEX_HOME`, else `~/.qwex`; absolute. */
export function homeFrom(env: NodeJS.ProcessEnv): string {
  return resolve(env.QWEX_HOME || join(env.HOME || homedir(), '.qwex'));
}

export interface PathOptions {
  /** Folders moved away from a home with a small quota (`spaces:` and `runs:` of the user's config). */
  spaces?: string | undefined;
  runs?: string | undefined;
  isNetwork?: (directory: string) => boolean;
}

export function homePaths(home: string, options: PathOptions = {}): HomePaths {
  const isNetwork = options.isNetwork ?? isNetworkDirectory;
  const network = isNetwork(home);
  const tooLong = Buffer.byteLength(join(home, 'daemon.sock')) > MAX_SOCKET_PATH_BYTES;
  const local = network || tooLong ? localFallback(home) : home;
  const machine = network ? machineId() : null;
  // What only one daemon may have in its hands. Logs, settings and the runs themselves are for all of them.
  const own = machine === null ? home : join(home, 'hosts', machine);
  const spaces = options.spaces ?? join(own, 'spaces');
  const database = join(own, 'qwex.db');
  return {
    home,
    local,
    machine,
    localReason: network ? 'network_home' : tooLong ? 'long_path' : null,
    socket: join(local, 'daemon.sock'),
    daemonLock: join(local, 'daemon.lock'),
    database,
    rebuildOrder: `${database}.rebuild`,
    log: join(home, 'daemon.log'),
    apiKey: join(home, 'local-api-key'),
    config: userConfigFile(home),
    ended: join(own, 'ended'),
    environments: join(own, 'env'),
    repos: join(home, 'repos'),
    spaces,
    trash: join(spaces, '.trash'),
    pool: join(spaces, '.pool'),
    runs: options.runs ?? home,
  };
}

/** The user's own settings. In a home that is a workspace's own .qwex, config.yaml is that workspace's. */
export function userConfigFile(home: string): string {
  const isWorkspaces = basename(home) === '.qwex' && existsSync(join(dirname(home), '.git'));
  return join(home, isWorkspaces ? 'user.yaml' : 'config.yaml');
}

/** A run's folder. `workspace` has been checked when the config was read; the id is ours. */
export function runDirectory(paths: HomePaths, workspace: string, id: string): string {
  return join(paths.runs, workspace, 'runs', id);
}

/** Folder for a run's lock and fifo: the run's own, unless the home is on a network. */
export function runLocalDirectory(paths: HomePaths, workspace: string, id: string): string {
  return paths.localReason === 'network_home'
    ? join(paths.local, 'runs', id)
    : runDirectory(paths, workspace, id);
}

/** True when the nearest existing ancestor of a folder is on a network or FUSE file system. */
export function isNetworkDirectory(directory: string): boolean {
  let existing = directory;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  return NETWORK_FILE_SYSTEMS.has(statfsSync(existing).type);
}

function localFallback(home: string): string {
  const uid = process.getuid?.() ?? 0;
  return join('/tmp', `qwex-${uid}`, createHash('sha256').update(home).digest('hex').slice(0, 12));
}

function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim() || hostname();
  } catch {
    return hostname();
  }
}
