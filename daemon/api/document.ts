// The protocol as an OpenAPI 3.1 document, made of the schemas that the routes validate with. Routes that only the
// owner's own CLI asks for are no part of the protocol, and left out with the types that nobody else uses.
import type { OpenAPIHono } from '@hono/zod-openapi';

const INFO = {
  openapi: '3.1.0',
  info: {
    title: 'Qwex Protocol',
    version: '1.0',
    description:
      'An open protocol for running things at an exact commit. Every error is a Problem (RFC 9457).',
    license: { name: 'MIT', identifier: 'MIT' },
  },
};

export function protocolDocument(app: OpenAPIHono) {
  const whole = app.getOpenAPI31Document(INFO);
  const paths = Object.fromEntries(
    Object.entries(whole.paths ?? {}).filter(([path]) => !path.startsWith('/api/local/')),
  );
  const schemas = reachable(whole.components?.schemas ?? {}, paths);
  return { ...whole, paths, components: { schemas } };
}

/** The schemas that something refers to, directly or through others, in the order of their names. */
function reachable<T>(schemas: Record<string, T>, from: unknown): Record<string, T> {
  const names = new Set<string>();
  const unread = [from];
  for (let text = unread.pop(); text !== undefined; text = unread.pop()) {
    for (const [, name = ''] of JSON.stringify(text).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (names.has(name)) continue;
      names.add(name);
      unread.push(schemas[name]);
    }
  }
  return Object.fromEntries(
    Object.entries(schemas)
      .filter(([name]) => names.has(name))
      .sort(),
  );
}
