// What only the owner's own CLI asks about runs: submit from a place, rerun, hold, release, checkout, diff, the queue.
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { LOCAL_API } from '../../../shared/api.ts';
import { localSubmitResponseSchema, localSubmitSchema } from '../../../shared/schemas/local.ts';
import { runSchema } from '../../../shared/schemas/run.ts';
import type { ApiContext } from '../context.ts';
import { presentRun } from '../present.ts';
import { answer, describe, idParams, jsonBody } from '../route.ts';
import { resolveRun } from '../selectors.ts';

const oneRun = { 200: answer('the run', runSchema) };
const pausedSchema = z.object({ paused: z.boolean() });
const rerunSchema = z.strictObject({ idempotencyKey: z.string().min(1).max(200).optional() });
const checkoutSchema = z.strictObject({ directory: z.string().startsWith('/') });
const checkedOutSchema = z.object({ directory: z.string(), sha: z.string() });
const diffQuery = z.object({
  a: z.string(),
  b: z.string(),
  stat: z.enum(['true', 'false']).default('false'),
  color: z.enum(['true', 'false']).default('false'),
});
const diffSchema = z.object({ a: z.string(), b: z.string(), diff: z.string() });

export function localRunRoutes(context: ApiContext) {
  const app = new OpenAPIHono();
  const { store, submission, workspaces } = context;

  const submit = describe(LOCAL_API.submitLocal, {
    request: jsonBody(localSubmitSchema),
    responses: { 200: answer('the runs, and what to tell the user', localSubmitResponseSchema) },
  });
  app.openapi(submit, async (c) => {
    const { runs, ...rest } = await submission.submitLocal(c.req.valid('json'));
    return c.json({ runs: runs.map((run) => presentRun(context, run)), ...rest }, 200);
  });

  app.openapi(
    describe(LOCAL_API.rerun, { request: { params: idParams, ...jsonBody(rerunSchema) }, responses: oneRun }),
    async (c) => {
      const { id } = resolveRun(store, c.req.valid('param').id);
      return c.json(presentRun(context, await submission.rerun(id, c.req.valid('json').idempotencyKey)), 200);
    },
  );
  app.openapi(describe(LOCAL_API.hold, { request: { params: idParams }, responses: oneRun }), (c) =>
    c.json(presentRun(context, store.hold(resolveRun(store, c.req.valid('param').id).id)), 200),
  );
  app.openapi(describe(LOCAL_API.release, { request: { params: idParams }, responses: oneRun }), (c) =>
    c.json(presentRun(context, store.release(resolveRun(store, c.req.valid('param').id).id)), 200),
  );

  const checkout = describe(LOCAL_API.checkout, {
    request: { params: idParams, ...jsonBody(checkoutSchema) },
    responses: { 200: answer('the new worktree', checkedOutSchema) },
  });
  app.openapi(checkout, async (c) => {
    const run = resolveRun(store, c.req.valid('param').id);
    const { directory } = c.req.valid('json');
    return c.json(await workspaces.checkout(run, directory), 200);
  });

  const diff = describe(LOCAL_API.diff, {
    request: { query: diffQuery },
    responses: { 200: answer('the difference', diffSchema) },
  });
  app.openapi(diff, async (c) => {
    const { a, b, stat, color } = c.req.valid('query');
    const [runA, runB] = [resolveRun(store, a), resolveRun(store, b)];
    const text = await workspaces.diff(runA, runB, { stat: stat === 'true', color: color === 'true' });
    return c.json({ a: runA.recipe.commit, b: runB.recipe.commit, diff: text }, 200);
  });

  for (const [row, paused] of [
    [LOCAL_API.pause, true],
    [LOCAL_API.resume, false],
  ] as const) {
    app.openapi(describe(row, { responses: { 200: answer('the queue', pausedSchema) } }), (c) => {
      store.setPaused(paused);
      return c.json({ paused: store.isPaused }, 200);
    });
  }
  return app;
}
