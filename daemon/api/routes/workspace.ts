// What the CLI asks about a workspace's own files: compile, init, templates.
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { LOCAL_API } from '../../../shared/api.ts';
import {
  addRequestSchema,
  addResponseSchema,
  compiledSchema,
  compileRequestSchema,
  initRequestSchema,
  initResponseSchema,
  templatesResponseSchema,
} from '../../../shared/schemas/local.ts';
import { absolutePath } from '../../../shared/schemas/run.ts';
import type { ApiContext } from '../context.ts';
import { answer, describe, jsonBody } from '../route.ts';

const placeQuery = z.strictObject({ cwd: absolutePath() });

export function workspaceRoutes({ workspaces }: ApiContext) {
  const app = new OpenAPIHono();
  const compile = describe(LOCAL_API.compile, {
    request: jsonBody(compileRequestSchema),
    responses: { 200: answer('the script', compiledSchema) },
  });
  app.openapi(compile, async (c) => c.json(await workspaces.compile(c.req.valid('json')), 200));

  const init = describe(LOCAL_API.init, {
    request: jsonBody(initRequestSchema),
    responses: { 200: answer('what was written', initResponseSchema) },
  });
  app.openapi(init, async (c) => c.json(await workspaces.init(c.req.valid('json').cwd), 200));

  const templates = describe(LOCAL_API.templates, {
    request: { query: placeQuery },
    responses: { 200: answer('templates, runners and jobs', templatesResponseSchema) },
  });
  app.openapi(templates, async (c) => c.json(await workspaces.templates(c.req.valid('query').cwd), 200));

  const add = describe(LOCAL_API.add, {
    request: jsonBody(addRequestSchema),
    responses: { 200: answer('the copy', addResponseSchema) },
  });
  app.openapi(add, async (c) => c.json(await workspaces.addTemplate(c.req.valid('json')), 200));
  return app;
}
