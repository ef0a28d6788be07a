// /runs: submit, list, one, cancel, wait.
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { API } from '../../../shared/api.ts';
import { QwexError } from '../../../shared/errors.ts';
import { hasEnded, STATUSES } from '../../../shared/run-state.ts';
import { runPageSchema, runSchema, submitRunSchema } from '../../../shared/schemas/run.ts';
import type { RunRecord } from '../../store/record.ts';
import { resolveRun } from '../../store/selectors.ts';
import { lastTryOf } from '../../store/tries.ts';
import type { ApiContext } from '../context.ts';
import { presentRun, presentRuns } from '../present.ts';
import { daemonStopping } from '../problems.ts';
import { answer, describe, idParams, jsonBody } from '../route.ts';
import { WaitLimit } from '../wait-limit.ts';
import { listArtifacts } from './artifacts.ts';

const DEFAULT_PAGE = 50;
const MAX_PAGE = 1000;
const MAX_WAIT_SECONDS = 24 * 3600;

const listQuery = z.strictObject({
  status: z.enum(STATUSES).optional(),
  workspace: z.string().optional(),
  name: z.string().optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
  cursor: z.string().optional(),
});

export function runRoutes(context: ApiContext) {
  const app = new OpenAPIHono();
  const { store } = context;

  const submit = describe(API.submit, {
    request: {
      headers: z.object({ 'idempotency-key': z.string().min(1).max(200).optional() }),
      ...jsonBody(submitRunSchema),
    },
    responses: { 201: answer('the run', runSchema) },
  });
  app.openapi(submit, async (c) => {
    const body = c.req.valid('json');
    const idempotencyKey = body.idempotencyKey ?? c.req.valid('header')['idempotency-key'];
    const run = await context.submission.submit({ ...body, idempotencyKey });
    return c.json(presentRun(context, run, []), 201);
  });

  const list = describe(API.list, {
    request: { query: listQuery },
    responses: { 200: answer('newest first', runPageSchema) },
  });
  app.openapi(list, (c) => {
    const { since, cursor, limit, ...filter } = c.req.valid('query');
    const beforeSeq = cursor === undefined ? undefined : decodeCursor(cursor);
    const sinceMs = since === undefined ? undefined : Date.parse(since);
    const runs = store.runs.list({ ...filter, sinceMs, beforeSeq, limit: limit + 1 });
    const page = runs.slice(0, limit);
    const last = page.at(-1);
    const nextCursor = runs.length > limit && last ? encodeCursor(last.seq) : null;
    return c.json({ runs: presentRuns(context, page), nextCursor }, 200);
  });

  const get = describe(API.get, {
    request: { params: idParams },
    responses: { 200: answer('the run', runSchema) },
  });
  app.openapi(get, async (c) => {
    const run = resolveRun(store, c.req.valid('param').id);
    return c.json(presentRun(context, run, (await listArtifacts(context, run)).artifacts), 200);
  });

  const cancel = describe(API.cancel, {
    request: { params: idParams },
    responses: { 200: answer('the run, cancelled or asked to end', runSchema) },
  });
  app.openapi(cancel, async (c) => {
    const run = await context.cancellation.cancel(resolveRun(store, c.req.valid('param').id).id);
    return c.json(presentRun(context, run), 200);
  });

  const wait = describe(API.wait, {
    request: {
      params: idParams,
      query: z.strictObject({
        timeout: z.coerce.number().min(0).max(MAX_WAIT_SECONDS).default(60).describe('seconds'),
      }),
    },
    responses: {
      200: answer('it and its retries have ended', runSchema),
      202: answer('time is up', runSchema),
    },
  });
  app.openapi(wait, async (c) => {
    const { id } = resolveRun(store, c.req.valid('param').id);
    const limitMs = Math.ceil(c.req.valid('query').timeout * 1000);
    const ended = await waitForEnd(context, id, { limitMs, client: c.req.raw.signal });
    if (ended)
      return c.json(presentRun(context, ended, (await listArtifacts(context, ended)).artifacts), 200);
    if (context.stopping.aborted) throw daemonStopping();
    return c.json(presentRun(context, lastTryOf(store, store.mustGet(id))), 202);
  });
  return app;
}

/** The run, or the retry that settled it, once it has ended; undefined when something else came first. */
async function waitForEnd(
  context: ApiContext,
  id: string,
  { limitMs, client }: { limitMs: number; client: AbortSignal },
): Promise<RunRecord | undefined> {
  const limit = new WaitLimit(limitMs, [client, context.stopping]);
  try {
    return await endOf(context, id, limit.signal);
  } finally {
    limit.release();
  }
}

async function endOf(context: ApiContext, id: string, signal: AbortSignal): Promise<RunRecord | undefined> {
  for (let target = id; ; ) {
    const ended = await context.hub.until(
      target,
      () => {
        const run = context.store.mustGet(target);
        return hasEnded(run.phase) ? run : undefined;
      },
      signal,
    );
    const retry = ended?.retriedBy ? context.store.runs.get(ended.retriedBy) : undefined;
    if (!retry) return ended;
    target = retry.id;
  }
}

function encodeCursor(seq: number): string {
  return Buffer.from(`v1:${seq}`).toString('base64url');
}

function decodeCursor(cursor: string): number {
  const match = /^v1:(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString('utf8'));
  if (!match)
    throw new QwexError({
      code: 'invalid_request',
      message: 'the cursor is not one of ours',
      hint: 'begin without a cursor',
    });
  return Number(match[1]);
}
