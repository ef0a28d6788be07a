// The routes put together. Everything that is refused is refused here in one shape.
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, Next } from 'hono';
import { OPENAPI_PATH, VERSION_HEADER } from '../../shared/api.ts';
import { QwexError } from '../../shared/errors.ts';
import { VERSION } from '../../shared/version.ts';
import { hasBody, readBody } from './body.ts';
import type { ApiContext } from './context.ts';
import { protocolDocument } from './document.ts';
import { answerProblem, invalidRequest, problemOf } from './problems.ts';
import { artifactRoutes } from './routes/artifacts.ts';
import { boxRoutes } from './routes/box.ts';
import { houseRoutes } from './routes/house.ts';
import { localRunRoutes } from './routes/local-runs.ts';
import { logRoutes } from './routes/logs.ts';
import { manifestRoutes } from './routes/manifest.ts';
import { runRoutes } from './routes/runs.ts';
import { socketRoutes } from './routes/sockets.ts';
import { workspaceRoutes } from './routes/workspace.ts';

export function buildApp(context: ApiContext): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook: (result) => {
      if (!result.success) throw invalidRequest(result.error.issues);
    },
  });
  app.use(async (c, next) => {
    await next();
    c.header(VERSION_HEADER, VERSION);
  });
  app.use(requireJson);
  app.use(readBody());
  app.onError((error, c) => answerProblem(c, problemOf(error, context.log)));
  app.notFound((c) =>
    answerProblem(
      c,
      problemOf(
        new QwexError({ code: 'not_found', message: `there is no ${c.req.method} ${c.req.path}` }),
        context.log,
      ),
    ),
  );
  for (const routes of [
    manifestRoutes(context.apiKeyFile),
    runRoutes(context),
    artifactRoutes(context),
    logRoutes(context),
    socketRoutes(),
    localRunRoutes(context),
    workspaceRoutes(context),
    houseRoutes(context),
    boxRoutes(context),
  ]) {
    // Sub-apps have hooks of their own; without this a failed validation there would answer in another shape.
    routes.defaultHook = app.defaultHook;
    app.route('/', routes);
  }
  app.get(OPENAPI_PATH, (c) => c.json(protocolDocument(app)));
  return app;
}

/** Without this a body of another type would be taken for an empty one, and every field reported as missing. */
async function requireJson(c: Context, next: Next): Promise<void> {
  const type = c.req.header('content-type');
  if (hasBody(c) && !/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type ?? '')) {
    throw new QwexError({
      code: 'invalid_request',
      message: type === undefined ? 'the body has no content-type' : `the body is ${type}, not JSON`,
      hint: 'send JSON, and the header content-type: application/json',
    });
  }
  await next();
}
