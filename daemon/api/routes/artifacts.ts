// /runs/{id}/artifacts: what was kept of a run, and URLs to fetch it.
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { API } from '../../../shared/api.ts';
import { QwexError } from '../../../shared/errors.ts';
import { type ArtifactList, artifactListSchema, artifactUrlSchema } from '../../../shared/schemas/run.ts';
import { readLeft } from '../../artifacts/left-manifest.ts';
import { readManifest } from '../../artifacts/manifest.ts';
import { openArtifact } from '../../artifacts/open-artifact.ts';
import type { RunRecord } from '../../store/record.ts';
import { resolveRun } from '../../store/selectors.ts';
import type { ApiContext } from '../context.ts';
import { answer, describe, idParams } from '../route.ts';

const nameParams = idParams.extend({
  name: z.string().min(1).describe('the percent-encoded path of the artifact'),
});

export function artifactRoutes(context: ApiContext) {
  const app = new OpenAPIHono();
  const { store } = context;

  const list = describe(API.artifacts, {
    request: { params: idParams },
    responses: { 200: answer('what was kept, skipped and left elsewhere', artifactListSchema) },
  });
  app.openapi(list, async (c) =>
    c.json(await listArtifacts(context, resolveRun(store, c.req.valid('param').id)), 200),
  );

  const url = describe(API.artifactUrl, {
    request: { params: nameParams },
    responses: { 200: answer('a URL to fetch it from', artifactUrlSchema) },
  });
  app.openapi(url, async (c) => {
    const { id, name } = c.req.valid('param');
    const run = resolveRun(store, id);
    await (await openFile(context, run, name)).handle.close();
    return c.json(context.downloads.sign(run.id, name, new URL(c.req.url).origin), 200);
  });

  const download = describe(API.download, {
    request: {
      params: nameParams,
      query: z.strictObject({ expires: z.coerce.number().int(), signature: z.string() }),
    },
    responses: {
      200: { description: 'its bytes', content: { 'application/octet-stream': { schema: z.string() } } },
    },
  });
  app.openapi(download, async (c) => {
    const { id, name } = c.req.valid('param');
    context.downloads.verify(id, name, c.req.valid('query'));
    const { handle, sizeBytes } = await openFile(context, resolveRun(store, id), name);
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(sizeBytes),
      // A page that a run has written is not ours: nothing shall open it as if it were.
      'content-disposition': 'attachment',
      'x-content-type-options': 'nosniff',
    };
    if (c.req.method === 'HEAD') {
      await handle.close();
      return c.body(null, 200, headers);
    }
    const stream = createReadStream('', { fd: handle, highWaterMark: 256 * 1024 });
    return c.body(Readable.toWeb(stream) as ReadableStream, 200, headers);
  });
  return app;
}

/** From the run's manifests; empty before anything was captured. */
export async function listArtifacts(context: ApiContext, run: RunRecord): Promise<ArtifactList> {
  const directory = context.folders.directory(run);
  const [manifest, left] = await Promise.all([
    readManifest(join(directory, 'artifacts.json')),
    readLeft(directory),
  ]);
  const skipped = (manifest?.skipped ?? []).map(({ path, reason, sizeBytes }) => ({
    path,
    reason,
    sizeBytes,
  }));
  return { artifacts: manifest?.artifacts ?? [], skipped, left };
}

async function openFile(context: ApiContext, run: RunRecord, name: string) {
  const opened = await openArtifact(join(context.folders.directory(run), 'files'), name);
  if (opened.type === 'file') return opened;
  throw new QwexError({
    code: 'unsupported',
    message: `${name} is a symlink to ${opened.target}; it has no bytes of its own to download`,
  });
}
