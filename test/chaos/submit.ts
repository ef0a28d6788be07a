// Submitting one request until it is acknowledged, over the route and with the cuts that its wish asks for.
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { API, LOCAL_API } from '../../shared/api.ts';
import type { LocalRunner } from '../../shared/client/index.ts';
import { QwexError } from '../../shared/errors.ts';
import type { Request } from './journal.ts';
import { persist } from './persist.ts';
import type { Random } from './random.ts';
import { cutRequest } from './raw-request.ts';
import { commandFor } from './workload.ts';
import type { World } from './world.ts';

const launcher = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'cli', 'qwex');

export interface Submitter {
  world: World;
  runner: LocalRunner;
  random: Random;
}

/** Resolves when the request was answered with its runs, or refused, or nobody can know what became of it. */
export async function submit(by: Submitter, request: Request, after: string | null): Promise<void> {
  const { wish } = request;
  if (wish.route === 'command_line') return submitOnCommandLine(by, request, after);
  const key = `${by.world.seed}-${wish.tag}`;
  const isProtocol = wish.route === 'protocol' || (wish.route === 'cut_before_answer' && wish.count === 1);
  const route = isProtocol ? API.submit : LOCAL_API.submitLocal;
  const body = isProtocol
    ? protocolBody(by, request, { key, after })
    : localBody(by, request, { key, after });
  await cutFirst(by, request, { path: route.path, body });
  const answer = await untilAnswered(by, request, () =>
    by.runner.request<{ id: string } | { runs: { id: string }[] }>(route, { body }),
  );
  if (answer === undefined) return;
  by.world.journal.acknowledge(request, 'runs' in answer ? answer.runs.map(({ id }) => id) : [answer.id]);
}

async function cutFirst(
  { world, runner, random }: Submitter,
  { wish }: Request,
  of: { path: string; body: object },
): Promise<void> {
  if (wish.route !== 'cut_in_body' && wish.route !== 'cut_before_answer') return;
  for (let times = random.between(1, 2); times > 0; times -= 1) {
    const cut =
      wish.route === 'cut_in_body'
        ? ({ where: 'in_body' } as const)
        : ({ where: 'before_answer', afterMs: random.between(0, 60) } as const);
    world.journal.count(`client ${wish.route}`);
    await cutRequest(runner.paths.socket, { ...of, cut });
  }
}

/** Asks until it is answered; a refusal is written down. */
async function untilAnswered<T>(
  { world }: Submitter,
  request: Request,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await persist(world.revive, ask);
  } catch (error) {
    if (!(error instanceof QwexError)) throw error;
    request.refusals.push(`${error.code}: ${error.message}`);
    return undefined;
  }
}

function environmentOf({ wish }: Request): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    LC_ALL: 'C',
    ...(wish.ownEnvironment && { CHAOS_TAG: wish.tag }),
  };
}

function localBody({ world }: Submitter, request: Request, { key, after }: Keyed): object {
  const { wish } = request;
  return {
    cwd: world.repository,
    commands: Array.from({ length: wish.count }, () => commandFor(wish, world.ledger)),
    environment: environmentOf(request),
    env: {},
    after: after === null ? [] : [after],
    retries: wish.retries,
    idempotencyKey: key,
    ...(wish.timeMs !== null && { resources: { timeMs: wish.timeMs } }),
  };
}

function protocolBody({ world }: Submitter, request: Request, { key, after }: Keyed): object {
  const { wish } = request;
  const [command, ...args] = commandFor(wish, world.ledger);
  return {
    command,
    args,
    env: environmentOf(request),
    source: { sha: world.sha, key: world.repository },
    after: after === null ? [] : [after],
    retries: wish.retries,
    idempotencyKey: key,
    ...(wish.timeMs !== null && { timeLimit: wish.timeMs / 1000 }),
  };
}

interface Keyed {
  key: string;
  after: string | null;
}

/** A person at a terminal: asks once. When that fails, the run may have been made or not. */
async function submitOnCommandLine(
  { world }: Submitter,
  request: Request,
  after: string | null,
): Promise<void> {
  const { wish } = request;
  const options = [
    ...(after === null ? [] : ['--after', after]),
    ...(wish.retries === 0 ? [] : ['--retries', String(wish.retries)]),
    ...(wish.timeMs === null ? [] : ['--time', `${wish.timeMs}ms`]),
  ];
  const env = { ...environmentOf(request), HOME: world.folder, QWEX_HOME: world.home };
  const { code, stdout, stderr } = await new Promise<{ code: number; stdout: string; stderr: string }>(
    (resolve) => {
      const args = ['run', ...options, '--', ...commandFor(wish, world.ledger)];
      const child = execFile(launcher, args, { cwd: world.repository, env }, (_error, out, err) =>
        resolve({ code: child.exitCode ?? 128, stdout: out, stderr: err }),
      );
    },
  );
  if (code === 0) return world.journal.acknowledge(request, [stdout.trim()]);
  request.isUncertain = true;
  world.journal.note({ commandLine: wish.tag, code, stderr });
  if (code !== 69) request.refusals.push(`exit ${code}: ${stderr}`);
}
