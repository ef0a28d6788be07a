// Starts, stops and asks the daemon. Its process ends last of all, so a connection to it that closes says that it is
// gone, or, after a restart, that the next one serves.
import { once } from 'node:events';
import { connect } from 'node:net';
import { LOCAL_API } from '../../shared/api.ts';
import type { LocalRunner } from '../../shared/client/local-runner.ts';
import { startDaemon } from '../../shared/client/start-daemon.ts';
import { isNotListening } from '../../shared/client/transport.ts';
import { keptEnvironment } from '../../shared/daemon-environment.ts';
import { isErrno, QwexError } from '../../shared/errors.ts';
import type { DaemonStatus, StopRequest, StopResponse } from '../../shared/schemas/local.ts';
import { isNewer, VERSION } from '../../shared/version.ts';
import type { Context } from '../context.ts';
import { formatDaemonStatus } from '../view/daemon-status.ts';
import { count } from '../view/units.ts';

interface JsonFlag {
  json?: boolean;
}

export interface StartFlags extends JsonFlag {
  quiet?: boolean;
}

const STOP_LIMIT_MS = 60_000;

export async function start(context: Context, { json, quiet }: StartFlags): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner({ autostart: false });
  const serving = await statusOf(runner);
  if (serving === null) await startDaemon(runner.paths.home, context.env);
  const status = serving ?? (await runner.request<DaemonStatus>(LOCAL_API.status));
  if (json) return terminal.printJson(status);
  if (quiet) return;
  terminal.print(
    serving === null
      ? `started: pid ${status.pid} serves ${status.home}`
      : `already serving: pid ${status.pid}, ${status.home}`,
  );
}

export async function stop(context: Context, { json }: JsonFlag): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner({ autostart: false });
  const stopped = await stopAndWait(runner);
  if (json) return terminal.printJson(stopped);
  if (stopped === null) return terminal.note(`no daemon serves ${runner.paths.home}`);
  const { pid, running } = stopped;
  terminal.print(`stopped pid ${pid}${running === 0 ? '' : `; ${count(running, 'run')} go on without it`}`);
}

export async function restart(context: Context, { json }: JsonFlag): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner();
  const before = await stopAndWait(runner, { restart: true, environment: keptEnvironment(context.env) });
  const status = await ofThisVersion(runner, context.env);
  if (json) return terminal.printJson(status);
  terminal.print(`${before === null ? 'started' : 'restarted'}: pid ${status.pid}, qwex ${status.version}`);
}

/**
 * A daemon starts its successor from where it was installed itself. When that is an older qwex than this one, somewhere
 * else, this one's takes over; the other way round the newer stays, whose database the older couldn't read.
 */
async function ofThisVersion(runner: LocalRunner, env: NodeJS.ProcessEnv): Promise<DaemonStatus> {
  const status = await runner.request<DaemonStatus>(LOCAL_API.status);
  if (!isNewer(VERSION, status.version)) return status;
  await stopAndWait(runner);
  await startDaemon(runner.paths.home, env);
  return runner.request<DaemonStatus>(LOCAL_API.status);
}

export async function status(context: Context, { json }: JsonFlag): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner({ autostart: false });
  const answer = await statusOf(runner);
  if (answer === null) {
    throw new QwexError({
      code: 'unreachable',
      message: `no daemon serves ${runner.paths.home}`,
      hint: 'it starts with the next command that needs it, or now: qwex daemon start',
    });
  }
  if (json) terminal.printJson(answer);
  else terminal.print(formatDaemonStatus(answer, terminal.style, new Date()));
}

/** null: nobody listens. */
async function statusOf(runner: LocalRunner): Promise<DaemonStatus | null> {
  try {
    return await runner.request<DaemonStatus>(LOCAL_API.status);
  } catch (error) {
    if (isNotListening(error)) return null;
    throw error;
  }
}

/** Resolves when the daemon is gone; null when none served. Throws `conflict` when it is still there after a minute. */
export async function stopAndWait(runner: LocalRunner, body: StopRequest = {}): Promise<StopResponse | null> {
  const connection = connect(runner.paths.socket);
  const closed = once(connection, 'close', { signal: AbortSignal.timeout(STOP_LIMIT_MS) });
  closed.catch(() => undefined);
  try {
    await once(connection, 'connect');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ECONNREFUSED')) return null;
    throw error;
  }
  connection.on('error', () => connection.destroy()).resume();
  const stopping = await runner.request<StopResponse>(LOCAL_API.stop, { body });
  try {
    await closed;
  } catch (error) {
    throw new QwexError({
      code: 'conflict',
      message: `the daemon (pid ${stopping.pid}) was asked to stop but has not after ${STOP_LIMIT_MS / 1000} s`,
      hint: `see what it does: qwex daemon logs; running runs go on whatever happens to it: kill ${stopping.pid}`,
      cause: error,
    });
  } finally {
    connection.destroy();
  }
  return stopping;
}
