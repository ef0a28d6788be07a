// /.well-known/qwex.json: who answers here, and what it can do.
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { MANIFEST_PATH } from '../../../shared/api.ts';
import { VERSION } from '../../../shared/version.ts';
import { answer, describe } from '../route.ts';

const manifestSchema = z
  .object({
    qwex: z.string(),
    server: z.object({ name: z.string(), version: z.string(), docs: z.string().optional() }),
    api: z.object({ versions: z.array(z.string()), base: z.string() }),
    auth: z.object({
      type: z.enum(['oauth2', 'api-key', 'local', 'none']),
      spec: z.record(z.string(), z.string()),
    }),
    features: z.object({
      source: z.object({
        transfer: z.enum(['presigned-upload', 'mount']),
        format: z.enum(['git-bundle', 'tar', 'worktree']),
        maxSize: z.number().int().optional(),
        requireClean: z.boolean(),
      }),
      artifacts: z.object({ enabled: z.boolean() }),
      runs: z.object({
        wait: z.boolean(),
        cancel: z.boolean(),
        logs: z.boolean(),
        watch: z.boolean(),
        backends: z.array(z.string()),
      }),
    }),
  })
  .meta({ id: 'Manifest' });

export function manifestRoutes(keyFile: string) {
  const app = new OpenAPIHono();
  const route = describe(
    { method: 'get', path: MANIFEST_PATH },
    {
      description: 'Who answers here, and what it can do.',
      responses: { 200: answer('the manifest', manifestSchema) },
    },
  );
  app.openapi(route, (c) =>
    c.json(
      {
        qwex: '1.0',
        server: { name: 'qwex-local', version: VERSION },
        api: { versions: ['v1'], base: '/api' },
        auth: { type: 'local' as const, spec: { keyFile } },
        features: {
          source: { transfer: 'mount' as const, format: 'worktree' as const, requireClean: true },
          artifacts: { enabled: true },
          runs: { wait: true, cancel: true, logs: true, watch: true, backends: ['local'] },
        },
      },
      200,
    ),
  );
  return app;
}
