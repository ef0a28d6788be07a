// What only the owner's own CLI asks about runs: submit from a place, rerun, hold, release, checkout, diff.
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { LOCAL_API } from '../../../shared/api.ts';
import {
  checkoutRequestSchema,
  checkoutResponseSchema,
  diffResponseSchema,
  localSubmitResponseSchema,
  localSubmitSchema,
  rerunRequestSchema,
} from '../../../shared/schemas/local.ts';
import { runSchema } from '../../../shared/schemas/run.ts';
import { resolveRun } from '../../store/selectors.ts';
import type { ApiContext } from '../context.ts';
import { presentRun, presentRuns } from '../present.ts';
import { answer, describe, idParams, jsonBody } from '../route.ts';

const oneRun = { 200: answer('the run', runSchema) };

export function localRunRoutes(context: ApiContext) {
  const app = new OpenAPIHono();
  const { store, submission, workspaces } = context;

  const submit = describe(LOCAL_API.submitLocal, {
    request: jsonBody(localSubmitSchema),
    responses: { 200: answer('the runs, and what to tell the user', localSubmitResponseSchema) },
  });
  app.openapi(submit, async (c) => {
    const { runs, ...rest } = await submission.submitLocal(c.req.valid('json'));
    return c.json({ runs: presentRuns(context, runs), ...rest }, 200);
  });

  const rerun = describe(LOCAL_API.rerun, {
    request: { params: idParams, ...jsonBody(rerunRequestSchema) },
    responses: oneRun,
  });
  app.openapi(rerun, async (c) => {
    const { id } = resolveRun(store, c.req.valid('param').id);
    return c.json(presentRun(context, await submission.rerun(id, c.req.valid('json'))), 200);
  });

  app.openapi(describe(LOCAL_API.hold, { request: { params: idParams }, responses: oneRun }), async (c) => {
    const { id } = resolveRun(store, c.req.valid('param').id);
    return c.json(presentRun(context, await context.executor.hold(id)), 200);
  });
  app.openapi(describe(LOCAL_API.release, { request: { params: idParams }, responses: oneRun }), (c) =>
    c.json(presentRun(context, store.release(resolveRun(store, c.req.valid('param').id).id)), 200),
  );

  const checkout = describe(LOCAL_API.checkout, {
    request: { params: idParams, ...jsonBody(checkoutRequestSchema) },
    responses: { 200: answer('the new worktree', checkoutResponseSchema) },
  });
  app.openapi(checkout, async (c) => {
    const run = resolveRun(store, c.req.valid('param').id);
    return c.json(await workspaces.checkout(run, c.req.valid('json')), 200);
  });

  const diff = describe(LOCAL_API.diff, {
    request: { query: z.strictObject({ a: z.string(), b: z.string() }) },
    responses: { 200: answer('the difference', diffResponseSchema) },
  });
  app.openapi(diff, async (c) => {
    const query = c.req.valid('query');
    const [a, b] = [resolveRun(store, query.a), resolveRun(store, query.b)];
    const difference = await workspaces.diff(a, b);
    return c.json({ a: presentRun(context, a), b: presentRun(context, b), ...difference }, 200);
  });
  return app;
}
