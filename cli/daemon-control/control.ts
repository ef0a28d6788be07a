// Starts, stops and asks the daemon. It is gone when its lock is free, which is what the next one waits for too.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { LOCAL_API } from '../../shared/api.ts';
import type { LocalRunner } from '../../shared/client/local-runner.ts';
import { startDaemon } from '../../shared/client/start-daemon.ts';
import { isNotListening } from '../../shared/client/transport.ts';
import { QwexError } from '../../shared/errors.ts';
import type { DaemonStatus } from '../../shared/schemas/local.ts';
import type { Context } from '../context.ts';
import { formatDaemonStatus } from '../view/daemon-status.ts';
import { count } from '../view/units.ts';

interface JsonFlag {
  json?: boolean;
}

const STOP_LIMIT_SECONDS = 60;

export async function start(context: Context, { json }: JsonFlag): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner({ autostart: false });
  const serving = await statusOf(runner);
  if (serving === null) await startDaemon(runner.paths.home, context.env);
  const status = serving ?? (await runner.request<DaemonStatus>(LOCAL_API.status));
  if (json) return terminal.printJson(status);
  terminal.print(
    serving === null
      ? `started: pid ${status.pid} serves ${status.home}`
      : `already serving: pid ${status.pid}, ${status.home}`,
  );
}

export async function stop(context: Context, { json }: JsonFlag): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner({ autostart: false });
  const status = await statusOf(runner);
  if (status !== null) await stopAndWait(runner, status);
  if (json) return terminal.printJson(status);
  if (status === null) return terminal.note(`no daemon serves ${runner.paths.home}`);
  const { running = 0, pending = 0 } = status.counts;
  terminal.print(
    `stopped pid ${status.pid}; ${count(running, 'run')} go on, ${pending} wait for the next daemon`,
  );
}

export async function restart(context: Context, { json }: JsonFlag): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner({ autostart: false });
  const before = await statusOf(runner);
  if (before !== null) await stopAndWait(runner, before);
  await startDaemon(runner.paths.home, context.env);
  const status = await runner.request<DaemonStatus>(LOCAL_API.status);
  if (json) terminal.printJson(status);
  else
    terminal.print(`${before === null ? 'started' : 'restarted'}: pid ${status.pid}, qwex ${status.version}`);
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

/** Stops the daemon that answered. Throws `conflict` when it is still there after a minute. */
export async function stopAndWait(runner: LocalRunner, { pid }: DaemonStatus): Promise<void> {
  await runner.request(LOCAL_API.stop);
  runner.close();
  const limit = String(STOP_LIMIT_SECONDS);
  const lock = spawn('flock', ['-w', limit, runner.paths.daemonLock, 'true'], { stdio: 'ignore' });
  const [code] = await once(lock, 'exit');
  if (code === 0) return;
  throw new QwexError({
    code: 'conflict',
    message: `the daemon (pid ${pid}) was asked to stop but has not after ${limit} s`,
    hint: `see what it does: qwex daemon logs; running runs go on whatever happens to it: kill ${pid}`,
  });
}
