// One route of shared/api.ts with its schemas, for validation and for the OpenAPI document at once.
import { createRoute, type RouteConfig, z } from '@hono/zod-openapi';
import { API, LOCAL_API, type Route } from '../../shared/api.ts';
import { problemSchema } from '../../shared/schemas/run.ts';

export const idParams = z.object({
  id: z.string().min(1).max(200).describe('an id, a unique prefix or suffix of 4 or more, a name, @ or @~N'),
});

const problem = {
  description: 'what is wrong',
  content: { 'application/problem+json': { schema: problemSchema } },
};

/** A JSON body that must be there. */
export function jsonBody<T extends z.ZodType>(schema: T) {
  return { body: { required: true as const, content: { 'application/json': { schema } } } };
}

/** A JSON answer. */
export function answer<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { 'application/json': { schema } } };
}

/** One operation of the document. It is called what the row of shared/api.ts is called. */
export function describe<R extends Route, C extends Omit<RouteConfig, 'method' | 'path'>>(row: R, config: C) {
  return createRoute({
    ...row,
    ...config,
    operationId: nameOf(row),
    tags: [row.path.startsWith('/api/local') ? 'local' : 'protocol'],
    responses: { ...config.responses, default: problem },
  } as C & R);
}

function nameOf({ method, path }: Route): string {
  const rows: [string, Route][] = Object.entries({ ...LOCAL_API, ...API });
  const named = rows.find(([, row]) => row.method === method && row.path === path);
  return named?.[0] ?? 'manifest';
}
