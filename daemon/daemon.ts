// The daemon put together: everything is made here, started in order and stopped in reverse.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { keptEnvironment } from '../shared/daemon-environment.ts';
import { messageOf } from '../shared/errors.ts';
import type { HomePaths } from '../shared/paths.ts';
import type { StopOrder } from '../shared/schemas/local.ts';
import { VERSION } from '../shared/version.ts';
import { DownloadSigner } from './api/downloads.ts';
import { ApiServer } from './api/server.ts';
import { ArtifactCollector } from './artifacts/collector.ts';
import { sharedBoxRoot } from './box/index.ts';
import { assessResources, openBox } from './box-wiring.ts';
import { DiskGuard } from './disk-guard.ts';
import { EventHub } from './events/hub.ts';
import { loadKey, makeHome, watchConfig } from './home.ts';
import { Daily } from './house/daily.ts';
import { keepFresh } from './house/fresh-local.ts';
import { Housekeeping } from './house/housekeeping.ts';
import { expireLeft } from './house/left-expiry.ts';
import { Settings } from './house/settings.ts';
import { type DaemonLog, openLog } from './log.ts';
import { LogFollower } from './logs/log-follower.ts';
import { Index } from './open-index.ts';
import { OwnSocket } from './own-socket.ts';
import { Environments } from './rundir/environments.ts';
import { FolderJournal } from './rundir/folder-journal.ts';
import { RunFolders } from './rundir/run-folders.ts';
import { Cancellation } from './runner/cancel.ts';
import type { RunnerDeps } from './runner/deps.ts';
import { EndSignals, hearEnd } from './runner/end-signals.ts';
import { Executor } from './runner/executor.ts';
import { leaveToNewer } from './runner/newer.ts';
import { recover } from './runner/recovery.ts';
import { Submission } from './runner/submission.ts';
import { Workspaces } from './runner/workspaces.ts';
import { DeviceLine } from './scheduler/device-line.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import { Spaces, untilOrphansEnd } from './spaces/index.ts';
import { currentStarter } from './starter/starter.ts';
import type { Store } from './store/store.ts';
import { currentBootId, type EndedWatch, watchEnded } from './supervisor/index.ts';

export interface DaemonOptions {
  home: string;
  /** Folder of the package: templates and scripts lie below it. */
  root: string;
  /** The command that starts a daemon for this home, for supervisors that find none. */
  startDaemonCommand: string[];
  /** Called once the daemon has been asked to stop over its socket. */
  onStopRequest: (order: StopOrder) => void;
  /** Whether the home is still the one that the caller has the lock of. */
  holdsHome: () => boolean;
  /** Called when it isn't: at once, with everything as it is. */
  onHomeLost: () => void;
}

/** What a daemon that was killed had begun in a repository is usually over before another one is there. */
const ORPHANS_MS = 5000;

export class Daemon {
  readonly #parts: Parts;
  #ownSocket: OwnSocket | undefined;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Recovers what an earlier daemon left, then serves. The caller holds the home's lock. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const daemon = new Daemon(await assemble(options));
    await daemon.#begin(options);
    return daemon;
  }

  get paths(): HomePaths {
    return this.#parts.paths;
  }

  async #begin({ holdsHome, onHomeLost }: DaemonOptions): Promise<void> {
    const { paths, store, executor, runnerDeps, scheduler, line, server } = this.#parts;
    const { index, folders, spaces, log, disk, daily } = this.#parts;
    line.open();
    await untilOrphansEnd({ home: paths.home, own: currentStarter()?.pid, limitMs: ORPHANS_MS });
    await spaces.emptyTrash();
    await disk.look();
    await index.complete(folders, runnerDeps.bootId);
    await runnerDeps.environments.sweep((name) => store.runs.usesEnvironment(name));
    const newer = await leaveToNewer(runnerDeps);
    await this.#parts.folderJournal.start();
    await recover(runnerDeps, executor, newer);
    await this.#parts.ended.ready;
    // We hold the lock, so whoever made this socket is dead.
    await rm(paths.socket, { force: true });
    const listen = () => server.listen(paths.socket);
    await listen();
    this.#ownSocket = new OwnSocket({
      ...{ path: paths.socket, holdsHome, onHomeLost, listen },
      onAgain: () => log.logger.warn('the socket was removed, and is made anew'),
      onError: (err) => log.logger.error({ err }, 'the socket was removed, and can not be made anew'),
    });
    scheduler.start();
    line.begin();
    daily.start();
    log.logger.info({ version: VERSION, home: paths.home, socket: paths.socket }, 'serving');
  }

  /** Stops taking requests and lets go of the runs, which go on. Idempotent by the caller. */
  async stop(restart: boolean): Promise<void> {
    const {
      paths,
      store,
      executor,
      scheduler,
      line,
      server,
      folders,
      folderJournal,
      collector,
      ended,
      configWatch,
      stopping,
      spaces,
      log,
      disk,
      daily,
    } = this.#parts;
    log.logger.info({ restart, running: executor.activeCount }, 'stopping; runs go on');
    stopping.abort();
    this.#ownSocket?.close();
    disk.stop();
    daily.stop();
    scheduler.stop();
    await line.stop();
    await server.close(restart);
    await executor.stop();
    await line.close();
    await Promise.all([ended.close(), configWatch.close(), collector.stop()]);
    await spaces.close();
    folderJournal.flush();
    await folders.allSettled();
    folderJournal.close();
    store.close();
    await rm(paths.socket, { force: true });
    log.logger.info('stopped');
    log.close();
  }
}

interface Parts {
  paths: HomePaths;
  index: Index;
  store: Store;
  executor: Executor;
  runnerDeps: RunnerDeps;
  scheduler: Scheduler;
  line: DeviceLine;
  server: ApiServer;
  spaces: Spaces;
  folders: RunFolders;
  folderJournal: FolderJournal;
  collector: ArtifactCollector;
  ended: EndedWatch;
  configWatch: { close(): Promise<void> };
  stopping: AbortController;
  disk: DiskGuard;
  daily: Daily;
  log: DaemonLog;
}

async function assemble(options: DaemonOptions): Promise<Parts> {
  const startedAtMs = Date.now();
  const paths = await makeHome(options.home);
  const log = openLog(paths.log);
  const { logger } = log;
  const index = Index.open({ paths, logger }, startedAtMs);
  const { store } = index;
  const hub = new EventHub();
  const folders = new RunFolders(paths, (runId, err) =>
    logger.error({ err, runId }, 'writing the run folder failed'),
  );
  const environments = new Environments(paths.environments, (name) => store.runs.usesEnvironment(name));
  const spaces = new Spaces({
    folder: paths.trash,
    report: (message) => logger.warn(message),
    pool: { folder: paths.pool, most: () => settings.current.slots },
  });
  const collector = new ArtifactCollector();
  const ends = new EndSignals();
  const stopping = new AbortController();
  const settings = await Settings.load(paths.home, () => wake());
  const onRoom = () => {
    wake();
    void folderJournal.tryAgain();
  };
  const disk = new DiskGuard([paths.home, paths.runs, paths.spaces], onRoom, [paths.local]);
  const problem = () => disk.problem;
  const slots = () => settings.current.slots;
  const line: DeviceLine = new DeviceLine({
    ...{ store, problem },
    meantBox: () => sharedBoxRoot(process.env, settings.current.box) ?? null,
    open: (root, onWake) => openBox({ home: paths.home, localFolder: paths.local, root, onWake }),
    start: (id) => executor.start(id),
    log: logger,
  });
  const wake = () => {
    scheduler.wake();
    line.wake();
  };
  const runnerDeps: RunnerDeps = {
    ...{ store, folders, environments, spaces, collector, ends, paths, disk, devices: line },
    log: logger,
    config: () => settings.current,
    bootId: await currentBootId(),
    startDaemonCommand: options.startDaemonCommand,
    daemonEnvironment: keptEnvironment(process.env),
  };
  const executor = new Executor(runnerDeps);
  const scheduler: Scheduler = new Scheduler({
    ...{ store, slots, problem },
    start: (id) => executor.start(id),
    onError: (runId, err) => logger.error({ err, runId }, 'the run could not be started; it stays queued'),
  });
  const folderJournal = new FolderJournal(store, folders);
  store.events.listen((events) => {
    executor.closeUnstarted(events);
    hub.publish(events);
  });
  const templatesFolder = join(options.root, 'templates');
  const submission = new Submission({
    ...{ store, environments, templatesFolder },
    assertRoom: () => disk.assertRoom(),
    assess: (resources) => assessResources(line, resources),
  });
  const chores = [
    () => index.trim(Date.now()),
    () => expireLeft({ store, folders, nowMs: Date.now }),
    () => spaces.expire(Date.now()),
    () =>
      keepFresh(paths, () => {
        const begun = store.runs.unfinished().filter(({ phase }) => phase !== 'queued');
        return begun.map((run) => folders.localDirectory(run));
      }),
  ];
  const daily = new Daily(chores, (err) => logger.error({ err }, 'a daily chore failed'));
  const server = new ApiServer({
    ...{ store, scheduler, line, executor, folders, hub, settings, problem },
    log: logger,
    apiKeyFile: paths.apiKey,
    submission,
    cancellation: new Cancellation(runnerDeps),
    workspaces: new Workspaces(templatesFolder),
    housekeeping: new Housekeeping({
      ...{ paths, store, folders, spaces, slots, problem, startedAtMs },
      index,
      box: line,
      commitsInSubmission: () => submission.commitsOnTheirWay(),
      nowMs: Date.now,
      beginStop: (order) => setImmediate(() => options.onStopRequest(order)),
    }),
    follower: new LogFollower({
      onDegraded: (file, err) => logger.warn({ err, file }, 'watching a log by timer: inotify has no room'),
    }),
    downloads: new DownloadSigner(await loadKey(paths.apiKey)),
    stopping: stopping.signal,
  });
  const ended = watchEnded(
    paths.ended,
    (runId) => hearEnd(runnerDeps, runId),
    (err) => logger.warn({ err }, 'ended/ can not be watched: it is looked at now and then'),
  );
  const configWatch = watchConfig(paths.config, settings, {
    onError: (err) =>
      logger.warn({ problem: messageOf(err) }, 'config.yaml is not valid; the last good settings stay'),
    onDegraded: (err) => logger.warn({ err }, 'config.yaml can not be watched: it is looked at now and then'),
  });
  return {
    paths,
    index,
    store,
    executor,
    runnerDeps,
    scheduler,
    line,
    server,
    spaces,
    folders,
    folderJournal,
    collector,
    ended,
    configWatch,
    stopping,
    disk,
    daily,
    log,
  };
}
