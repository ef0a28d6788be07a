// /runs/{id}/logs: a piece of a run's output. To follow it, watch.
import { join } from 'node:path';
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { API } from '../../../shared/api.ts';
import type { StreamName } from '../../../shared/output-frame.ts';
import { logsSchema } from '../../../shared/schemas/run.ts';
import { readLog } from '../../logs/read-log.ts';
import { resolveRun } from '../../store/selectors.ts';
import type { ApiContext } from '../context.ts';
import { answer, describe, idParams } from '../route.ts';

const MAX_BYTES = 8 * 1024 * 1024;
const DEFAULT_BYTES = 1024 * 1024;

const logsQuery = z.object({
  stream: z.enum(['stdout', 'stderr']).optional().describe('only this one'),
  offset: z.coerce.number().int().min(0).optional().describe('byte to begin at'),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_BYTES)
    .default(DEFAULT_BYTES)
    .describe('most bytes of each stream'),
  tail: z.coerce.number().int().min(0).optional().describe('begin with this many last lines'),
});

export function logRoutes(context: ApiContext) {
  const app = new OpenAPIHono();
  const logs = describe(API.logs, {
    request: { params: idParams, query: logsQuery },
    responses: { 200: answer('output, undecodable bytes replaced', logsSchema) },
  });
  app.openapi(logs, async (c) => {
    const run = resolveRun(context.store, c.req.valid('param').id);
    const { stream, offset, limit, tail } = c.req.valid('query');
    const read = async (name: StreamName) => {
      if (stream !== undefined && stream !== name) return { data: Buffer.alloc(0), nextOffset: offset ?? 0 };
      return readLog(join(context.folders.directory(run), 'logs', `${name}.log`), {
        offset,
        limitBytes: limit,
        tailLines: tail,
      });
    };
    const [stdout, stderr] = await Promise.all([read('stdout'), read('stderr')]);
    return c.json(
      {
        stdout: stdout.data.toString('utf8'),
        stderr: stderr.data.toString('utf8'),
        offsets: { stdout: stdout.nextOffset, stderr: stderr.nextOffset },
      },
      200,
    );
  });
  return app;
}
