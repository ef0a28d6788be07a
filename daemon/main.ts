// Entry of the daemon, started by launch.sh: takes the home's lock, serves, stops on TERM or INT. Says on descriptor 3
// whether a daemon serves now; the descriptor is absent when it runs in the foreground.
import { closeSync, fstatSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot, startDaemon } from '../shared/client/start-daemon.ts';
import { isListening, waitForSocket } from '../shared/client/wait-for-socket.ts';
import { handedOn } from '../shared/daemon-environment.ts';
import { messageOf, QwexError } from '../shared/errors.ts';
import { ensureLocalFolder } from '../shared/local-folder.ts';
import { homeFrom, homePaths } from '../shared/paths.ts';
import type { StopOrder } from '../shared/schemas/local.ts';
import { Daemon } from './daemon.ts';
import { type DaemonLock, takeDaemonLock } from './single-instance.ts';
import { Starter, useStarter } from './starter/starter.ts';

const READY_FD = 3;
/** Of another daemon that has the lock: recovering a long queue takes its time. */
const START_LIMIT_MS = 30_000;
/** Of a daemon whose home was removed. */
const HOME_LOST_EXIT_CODE = 69;
const hasReadyPipe = isPipe(READY_FD);

function isPipe(fd: number): boolean {
  try {
    return fstatSync(fd).isFIFO() || fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}

function report(text: string): void {
  if (!hasReadyPipe) {
    process.stderr.write(`${text}\n`);
    return;
  }
  writeSync(READY_FD, text);
  closeSync(READY_FD);
}

async function main(): Promise<void> {
  // For good and before anything is made: a change in the middle would hit whatever is being created beside it.
  process.umask(0o077);
  const home = homeFrom(process.env);
  const paths = homePaths(home);
  await mkdir(home, { recursive: true, mode: 0o700 });
  ensureLocalFolder(paths);
  const lock = await takeDaemonLock(paths.daemonLock);
  if (!lock) {
    // Another one is starting or serving; whoever asked for a daemon wants to know when it answers.
    await waitForSocket(paths.socket, AbortSignal.timeout(START_LIMIT_MS));
    if (!(await isListening(paths.socket))) {
      throw new Error(`another process holds ${paths.daemonLock}, and none serves ${paths.socket}`);
    }
    report('ready');
    return;
  }
  const starter = new Starter();
  starter.open();
  useStarter(starter);
  let order: StopOrder;
  try {
    order = await serve(home, lock);
  } finally {
    await starter.close();
  }
  await lock.close();
  const { restart, environment } = order;
  if (restart) await startDaemon(home, environment && handedOn(process.env, environment));
}

/** Until it is asked to stop. Resolves to how: whether another is to follow. */
async function serve(home: string, lock: DaemonLock): Promise<StopOrder> {
  const stop = Promise.withResolvers<StopOrder>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => stop.resolve({ restart: false }));
  const root = packageRoot();
  const daemon = await Daemon.start({
    home,
    root,
    startDaemonCommand: [join(root, 'cli', 'qwex'), 'daemon', 'start', '--quiet'],
    onStopRequest: stop.resolve,
    holdsHome: () => lock.isInPlace(),
    // Nothing of it can be put away any more: as if it had been killed.
    onHomeLost: () => process.exit(HOME_LOST_EXIT_CODE),
  });
  report('ready');
  const order = await stop.promise;
  await daemon.stop(order.restart);
  return order;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const hint = error instanceof QwexError ? error.hint : undefined;
    report(messageOf(error) + (hint === undefined ? '' : `\nhint: ${hint}`));
    process.exit(70);
  },
);
