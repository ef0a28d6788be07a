// The two WebSockets, as the document describes them. They are served by the server's upgrade; who comes here has
// asked for them in plain HTTP.
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { API, type Route } from '../../../shared/api.ts';
import { QwexError } from '../../../shared/errors.ts';
import { runEventSchema } from '../../../shared/schemas/local.ts';
import { runSchema } from '../../../shared/schemas/run.ts';
import { describe, idParams } from '../route.ts';

const offset = z.coerce.number().int().min(0).optional();

const watchFrameSchema = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('run'), run: runSchema }),
    z.object({ type: z.literal('gap'), stream: z.enum(['stdout', 'stderr']), offset: z.number().int() }),
    z.object({ type: z.literal('end'), run: runSchema }),
  ])
  .meta({ id: 'WatchFrame' });

const eventsFrameSchema = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('event'), event: runEventSchema }),
    z.object({ type: z.literal('reset'), seq: z.number().int() }),
  ])
  .meta({ id: 'EventsFrame' });

export function socketRoutes() {
  const app = new OpenAPIHono();
  const watch = describe(API.watch, {
    description:
      'A WebSocket. Text frames are JSON; a binary frame is output: a byte for the stream (1 stdout, 2 stderr), the ' +
      'offset of its first byte in eight bytes big-endian, then the bytes. It ends with a frame of type `end` and a ' +
      'normal close; a retry is followed.',
    request: {
      params: idParams,
      query: z.object({
        stdout: offset.describe('byte of stdout to begin at'),
        stderr: offset.describe('byte of stderr to begin at'),
        tail: offset.describe('begin with this many last lines of each stream for which no byte is given'),
      }),
    },
    responses: { 101: frames('the text frames', watchFrameSchema) },
  });
  const events = describe(API.events, {
    description: 'A WebSocket of JSON text frames: every change of every run, in order.',
    request: {
      query: z.object({ since: offset.describe('the last event that was seen; without it only what comes') }),
    },
    responses: {
      101: frames(
        'an event; or `reset`, when what came after `since` is not kept any more',
        eventsFrameSchema,
      ),
    },
  });
  app.openapi(watch, () => refuse(API.watch));
  app.openapi(events, () => refuse(API.events));
  return app;
}

function frames(description: string, schema: z.ZodType) {
  return { description, content: { 'application/json': { schema } } };
}

function refuse({ path }: Route): never {
  throw new QwexError({
    code: 'invalid_request',
    message: `${path} is a WebSocket, and this was a plain request`,
    hint: 'connect with the headers of a WebSocket (connection: upgrade, upgrade: websocket, …)',
  });
}
