// The daemon itself: status, stop, the queue's switch, settings, gc, doctor.
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { LOCAL_API } from '../../../shared/api.ts';
import {
  configResponseSchema,
  daemonStatusSchema,
  doctorResponseSchema,
  gcRequestSchema,
  gcResponseSchema,
  rebuiltSchema,
  setConfigRequestSchema,
  stopRequestSchema,
  stopResponseSchema,
} from '../../../shared/schemas/local.ts';
import { absolutePath } from '../../../shared/schemas/run.ts';
import type { ApiContext } from '../context.ts';
import { answer, describe, jsonBody } from '../route.ts';

export function houseRoutes({ housekeeping, settings }: ApiContext) {
  const app = new OpenAPIHono();
  const statusAnswer = { responses: { 200: answer('the daemon', daemonStatusSchema) } };
  app.openapi(describe(LOCAL_API.status, statusAnswer), (c) => c.json(housekeeping.status(), 200));
  app.openapi(describe(LOCAL_API.pause, statusAnswer), (c) => c.json(housekeeping.setPaused(true), 200));
  app.openapi(describe(LOCAL_API.resume, statusAnswer), (c) => c.json(housekeeping.setPaused(false), 200));

  const stop = describe(LOCAL_API.stop, {
    request: jsonBody(stopRequestSchema),
    responses: { 202: answer('it stops; runs go on', stopResponseSchema) },
  });
  app.openapi(stop, (c) => c.json(housekeeping.stop(c.req.valid('json')), 202));

  const configAnswer = { 200: answer('all settings', configResponseSchema) };
  app.openapi(describe(LOCAL_API.getConfig, { responses: configAnswer }), async (c) =>
    c.json(await settings.list(), 200),
  );
  const set = describe(LOCAL_API.setConfig, {
    request: jsonBody(setConfigRequestSchema),
    responses: configAnswer,
  });
  app.openapi(set, async (c) => {
    const { key, value } = c.req.valid('json');
    await settings.set(key, value);
    return c.json(await settings.list(), 200);
  });

  const gc = describe(LOCAL_API.gc, {
    request: jsonBody(gcRequestSchema),
    responses: { 200: answer('what was or would be removed', gcResponseSchema) },
  });
  app.openapi(gc, async (c) => c.json(await housekeeping.gc(c.req.valid('json')), 200));

  const doctor = describe(LOCAL_API.doctor, {
    request: { query: z.strictObject({ cwd: absolutePath().optional() }) },
    responses: { 200: answer('what was checked', doctorResponseSchema) },
  });
  app.openapi(doctor, async (c) =>
    c.json({ checks: await housekeeping.doctor(c.req.valid('query').cwd) }, 200),
  );
  const rebuiltAnswer = { responses: { 200: answer('what came back, and from where', rebuiltSchema) } };
  app.openapi(describe(LOCAL_API.rebuilt, rebuiltAnswer), (c) => c.json(housekeeping.rebuilt(), 200));
  return app;
}
