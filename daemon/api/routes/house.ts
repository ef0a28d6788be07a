// The daemon itself: status, stop, settings, gc, doctor.
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { LOCAL_API } from '../../../shared/api.ts';
import {
  checkSchema,
  daemonStatusSchema,
  gcRequestSchema,
  gcResponseSchema,
} from '../../../shared/schemas/local.ts';
import type { ApiContext } from '../context.ts';
import { answer, describe, jsonBody } from '../route.ts';

const settingsSchema = z.object({
  settings: z.array(z.object({ key: z.string(), value: z.unknown(), source: z.enum(['file', 'default']) })),
});
const stopSchema = z.strictObject({
  restart: z.boolean().default(false).describe('another daemon takes over at once'),
});

export function houseRoutes({ housekeeping }: ApiContext) {
  const app = new OpenAPIHono();
  app.openapi(
    describe(LOCAL_API.status, { responses: { 200: answer('the daemon', daemonStatusSchema) } }),
    (c) => c.json(housekeeping.status(), 200),
  );
  const stop = describe(LOCAL_API.stop, {
    request: jsonBody(stopSchema),
    responses: {
      202: answer('it stops', z.object({ running: z.number().int().describe('runs that go on') })),
    },
  });
  app.openapi(stop, (c) => c.json({ running: housekeeping.stop(c.req.valid('json').restart) }, 202));

  app.openapi(
    describe(LOCAL_API.getConfig, { responses: { 200: answer('all settings', settingsSchema) } }),
    async (c) => c.json({ settings: await housekeeping.settings() }, 200),
  );
  const set = describe(LOCAL_API.setConfig, {
    request: jsonBody(z.strictObject({ key: z.string(), value: z.string() })),
    responses: { 200: answer('all settings', settingsSchema) },
  });
  app.openapi(set, async (c) => {
    const { key, value } = c.req.valid('json');
    await housekeeping.setSetting(key, value);
    return c.json({ settings: await housekeeping.settings() }, 200);
  });

  const gc = describe(LOCAL_API.gc, {
    request: jsonBody(gcRequestSchema),
    responses: { 200: answer('what was or would be removed', gcResponseSchema) },
  });
  app.openapi(gc, async (c) => c.json(await housekeeping.gc(c.req.valid('json')), 200));

  const doctor = describe(LOCAL_API.doctor, {
    responses: { 200: answer('what was checked', z.object({ checks: z.array(checkSchema) })) },
  });
  app.openapi(doctor, async (c) => c.json({ checks: await housekeeping.doctor() }, 200));
  return app;
}
