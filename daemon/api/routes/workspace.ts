// What the CLI asks about a workspace's own files: compile, init, templates.
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { LOCAL_API } from '../../../shared/api.ts';
import { compiledSchema, compileRequestSchema } from '../../../shared/schemas/local.ts';
import type { ApiContext } from '../context.ts';
import { answer, describe, jsonBody } from '../route.ts';

const place = z.string().startsWith('/');
const initSchema = z.strictObject({ cwd: place, name: z.string().optional() });
const writtenSchema = z.object({ root: z.string(), written: z.array(z.string()), kept: z.array(z.string()) });
const templateSchema = z.object({
  name: z.string(),
  origin: z.enum(['user', 'built-in']),
  description: z.string(),
  resumable: z.boolean(),
  variables: z.array(
    z.object({ name: z.string(), required: z.boolean(), default: z.string().nullable(), help: z.string() }),
  ),
});
const templatesSchema = z.object({ templates: z.array(templateSchema), runners: z.array(z.string()) });
const addSchema = z.strictObject({ cwd: place, template: z.string() });

export function workspaceRoutes(context: ApiContext) {
  const app = new OpenAPIHono();
  const { workspaces } = context;
  const compile = describe(LOCAL_API.compile, {
    request: jsonBody(compileRequestSchema),
    responses: { 200: answer('the script', compiledSchema) },
  });
  app.openapi(compile, async (c) => c.json(await workspaces.compile(c.req.valid('json')), 200));

  const init = describe(LOCAL_API.init, {
    request: jsonBody(initSchema),
    responses: { 200: answer('what was written', writtenSchema) },
  });
  app.openapi(init, async (c) => c.json(await workspaces.init(c.req.valid('json')), 200));

  const templates = describe(LOCAL_API.templates, {
    request: { query: z.object({ cwd: place }) },
    responses: { 200: answer('templates and runners', templatesSchema) },
  });
  app.openapi(templates, async (c) => c.json(await workspaces.templates(c.req.valid('query').cwd), 200));

  const add = describe(LOCAL_API.add, {
    request: jsonBody(addSchema),
    responses: { 200: answer('the copy', z.object({ file: z.string() })) },
  });
  app.openapi(add, async (c) => c.json(await workspaces.addTemplate(c.req.valid('json')), 200));
  return app;
}
