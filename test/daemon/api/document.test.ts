// The published document is what the daemon serves, and what it serves hangs together.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { API, LOCAL_API, MANIFEST_PATH, OPENAPI_PATH } from '../../../shared/api.ts';
import { packageRoot } from '../../../shared/client/start-daemon.ts';
import { ApiRig } from './rig.ts';

interface Operation {
  operationId: string;
  responses: Record<string, { description: string; content?: Record<string, unknown> }>;
  parameters?: { name: string; in: string }[];
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { additionalProperties?: unknown }> };
}

let document: Document;
beforeAll(async () => {
  await using rig = await ApiRig.start();
  document = await rig.json<Document>(OPENAPI_PATH);
});

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

describe('the OpenAPI document', () => {
  it('is the published one (node .ci/generate.mjs writes it)', () => {
    const file = join(packageRoot(), 'docs', 'protocol', 'openapi.yaml');
    expect(parse(readFileSync(file, 'utf8'))).toEqual(document);
  });

  it('has every row of the protocol, and none of the owner alone', () => {
    const rows = [{ method: 'get', path: MANIFEST_PATH }, ...Object.values(API)];
    const served = operations().map(({ path, method }) => `${method} ${path}`);
    expect(served.sort()).toEqual(rows.map(({ method, path }) => `${method} ${path}`).sort());
    for (const { path } of Object.values(LOCAL_API)) expect(document.paths).not.toHaveProperty([path]);
  });

  it('names its operations as the rows are named, each once', () => {
    const names = operations().map(({ operation }) => operation.operationId);
    expect(names.sort()).toEqual(['manifest', ...Object.keys(API)].sort());
  });

  it('has the types of the protocol by name, and no type that nobody refers to', () => {
    const names = Object.keys(document.components.schemas);
    for (const name of [
      'SubmitRunRequest',
      'RunResponse',
      'LogsResponse',
      'ArtifactUrlResponse',
      'Artifact',
      'Problem',
    ])
      expect(names).toContain(name);
    const text = JSON.stringify(document);
    for (const name of names) expect(text).toContain(`"#/components/schemas/${name}"`);
  });

  it('refers to nothing that is not there', () => {
    for (const [, name] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) {
      const [, type] = /^#\/components\/schemas\/(\w+)$/.exec(name ?? '') ?? [];
      expect(document.components.schemas).toHaveProperty([type ?? name ?? '']);
    }
  });

  it('says that unknown fields of a request are refused', () => {
    expect(document.components.schemas.SubmitRunRequest?.additionalProperties).toBe(false);
    expect(document.components.schemas.RunResponse).not.toHaveProperty('additionalProperties');
  });

  it('describes every parameter of a path, and the error of every operation', () => {
    for (const { path, operation } of operations()) {
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(operation.responses.default?.content).toHaveProperty(['application/problem+json']);
    }
  });

  it('is of OpenAPI 3.1, with texts for every answer', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    for (const { operation } of operations())
      for (const { description } of Object.values(operation.responses)) expect(description).not.toBe('');
  });
});
