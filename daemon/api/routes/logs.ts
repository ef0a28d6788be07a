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

const logsQuery = z.strictObject({
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
      if (stream !== undefined && stream !== name) return { text: '', nextOffset: offset ?? 0 };
      const piece = await readLog(join(context.folders.directory(run), 'logs', `${name}.log`), {
        offset,
        limitBytes: limit,
        tailLines: tail,
      });
      const cut = piece.data.length === limit ? brokenEnd(piece.data) : 0;
      const text = piece.data.toString('utf8', 0, piece.data.length - cut);
      return { text, nextOffset: piece.nextOffset - cut };
    };
    const [stdout, stderr] = await Promise.all([read('stdout'), read('stderr')]);
    return c.json(
      {
        stdout: stdout.text,
        stderr: stderr.text,
        offsets: { stdout: stdout.nextOffset, stderr: stderr.nextOffset },
      },
      200,
    );
  });
  return app;
}

/** How many bytes at the end begin a character that the limit has cut; it belongs to the next piece. */
function brokenEnd(data: Buffer): number {
  for (let length = 1; length <= Math.min(3, data.length - 1); length += 1) {
    const byte = data[data.length - length] ?? 0;
    if (byte >= 0x80 && byte < 0xc0) continue;
    const whole = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return whole > length ? length : 0;
  }
  return 0;
}
