// What the API takes and what it refuses, over the real socket of a real daemon.
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS, type Run, type RunPage } from '../../../shared/schemas/run.ts';
import { VERSION } from '../../../shared/version.ts';
import { lacks } from '../../rig/needs.ts';
import { ApiRig, type Asked, problemIn } from './rig.ts';

let rig: ApiRig;
beforeAll(async () => {
  rig = await ApiRig.start();
});
afterAll(() => rig[Symbol.asyncDispose]());

const post = (body: unknown, headers: Record<string, string> = {}): Asked => ({
  method: 'POST',
  body,
  headers,
});
const refusal = async (path: string, asked?: Asked) => problemIn(await rig.ask(path, asked));

describe('the socket', () => {
  it('is the owner alone', () => {
    expect(statSync(rig.socket).mode & 0o777).toBe(0o600);
    expect(statSync(rig.daemon.paths.home).mode & 0o777).toBe(0o700);
  });

  it.skipIf(lacks('curl'))('answers curl', async () => {
    const url = 'http://localhost/.well-known/qwex.json';
    const { stdout } = await promisify(execFile)('curl', ['-sS', '--unix-socket', rig.socket, url]);
    expect(JSON.parse(stdout)).toMatchObject({ qwex: '1.0', auth: { type: 'local' } });
  });

  it.each(['evil.example', '127.0.0.1:80', 'a b', '[::1', 'x'.repeat(300)])(
    'does not mind the host %j',
    async (host) => {
      const answer = await rig.raw(
        `GET /api/v1/runs?limit=1 HTTP/1.1\r\nHost: ${host}\r\nOrigin: https://evil.example\r\nConnection: close\r\n\r\n`,
      );
      expect(answer.status).toBe(200);
    },
  );

  it('says its version on every answer, errors too', async () => {
    for (const path of ['/api/v1/runs', '/nowhere', '/api/v1/runs/none'])
      expect((await rig.ask(path)).headers['qwex-version']).toBe(VERSION);
  });

  it('goes on in HTTP/1.1 with who offers something newer', async () => {
    const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': '' };
    expect((await rig.ask('/api/v1/runs', { headers })).status).toBe(200);
  });
});

describe('the manifest', () => {
  it('is that of a local server', async () => {
    expect(await rig.json('/.well-known/qwex.json')).toEqual({
      qwex: '1.0',
      server: { name: 'qwex-local', version: VERSION },
      api: { versions: ['v1'], base: '/api' },
      auth: { type: 'local', spec: { keyFile: rig.daemon.paths.apiKey } },
      features: {
        source: { transfer: 'mount', format: 'worktree', requireClean: true },
        artifacts: { enabled: true },
        runs: { wait: true, cancel: true, logs: true, watch: true, backends: ['local'] },
      },
    });
  });
});

describe('a submission', () => {
  it('answers 201 with the whole run', async () => {
    const { status, text } = await rig.ask(
      '/api/v1/runs',
      post(rig.submission({ name: 'train', args: ['a b', 'ü'] })),
    );
    expect(status).toBe(201);
    const run = JSON.parse(text) as Run;
    expect(run).toMatchObject({
      name: 'train',
      status: 'pending',
      phase: 'queued',
      command: 'true',
      args: ['a b', 'ü'],
      backend: 'base',
      source: { sha: rig.sha },
      workspace: 'project',
      held: true,
      artifacts: [],
      message: 'held; start it with: qwex release',
      startedAt: null,
      exitCode: null,
    });
    expect(run.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(await rig.json(`/api/v1/runs/${run.id}`)).toEqual(run);
  });

  it.each([
    ['an unknown field', { surprise: 1 }, 'surprise'],
    ['an unknown field further in', { source: { sha: 'a'.repeat(40), key: '/x', branch: 'main' } }, 'branch'],
    ['no command', { command: undefined }, 'command'],
    ['an empty command', { command: '' }, 'command'],
    ['a NUL in a word', { args: ['a\0b'] }, 'args.0: must not contain a NUL byte'],
    ['a short commit', { source: { sha: 'abc123', key: '/x' } }, 'source.sha: must be a full commit id'],
    [
      'a relative workspace',
      { source: { sha: 'a'.repeat(40), key: 'x' } },
      "source.key: must be the workspace's absolute path",
    ],
    ['a name with a slash', { name: '../x' }, 'name'],
    ['a wrong type', { priority: 'high' }, 'priority'],
    ['a negative time limit', { timeLimit: -1 }, 'timeLimit'],
    ['a variable without a name', { env: { '': 'x' } }, 'env'],
  ])('with %s is invalid_request and says where', async (_, over, word) => {
    const problem = await refusal('/api/v1/runs', post(rig.submission(over)));
    expect(problem).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(problem.detail).toContain(word);
    expect(problem.details?.fields).toBeDefined();
  });

  it('of a commit that is not there is not_found', async () => {
    const source = { sha: 'b'.repeat(40), key: rig.repository };
    const problem = await refusal('/api/v1/runs', post(rig.submission({ source })));
    expect(problem).toMatchObject({ status: 404, code: 'not_found', hint: expect.any(String) });
  });

  it('from no repository is not_a_workspace', async () => {
    const source = { sha: rig.sha, key: '/' };
    expect(await refusal('/api/v1/runs', post(rig.submission({ source })))).toMatchObject({
      code: 'not_a_workspace',
    });
  });

  it('with an idempotency key makes one run, whether the key is in the head or in the body', async () => {
    const first = await rig.ask('/api/v1/runs', post(rig.submission(), { 'idempotency-key': 'one' }));
    const again = await rig.ask('/api/v1/runs', post(rig.submission(), { 'Idempotency-Key': 'one' }));
    const inBody = await rig.submit({ idempotencyKey: 'one' });
    const other = await rig.submit({ idempotencyKey: 'two' });
    const ids = [first, again].map(({ text }) => (JSON.parse(text) as Run).id);
    expect(new Set([...ids, inBody.id])).toEqual(new Set([ids[0]]));
    expect(other.id).not.toBe(ids[0]);
  });

  it('asked for twice at the same time makes one run', async () => {
    const asked = post(rig.submission(), { 'idempotency-key': 'at once' });
    const answers = await Promise.all(Array.from({ length: 5 }, () => rig.json<Run>('/api/v1/runs', asked)));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  });

  it('with a key that is too long is refused', async () => {
    const problem = await refusal(
      '/api/v1/runs',
      post(rig.submission(), { 'idempotency-key': 'k'.repeat(201) }),
    );
    expect(problem.detail).toContain('idempotency-key');
  });
});

describe('a body', () => {
  it.each([
    ['{"command": ', 'application/json', /JSON/],
    ['', 'application/json', /JSON|command/],
    ['null', 'application/json', /body/],
    ['[]', 'application/json', /body/],
    ['command=true', 'application/x-www-form-urlencoded', /not JSON/],
    ['{}', 'text/plain', /the body is text\/plain, not JSON/],
    ['{}', 'application/jsonp', /not JSON/],
    ['\xff\xfe', 'application/json', /JSON/],
  ])('%j as %s is invalid_request', async (body, type, words) => {
    const problem = await refusal('/api/v1/runs', {
      method: 'POST',
      body,
      headers: { 'content-type': type },
    });
    expect(problem).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(problem.detail).toMatch(words);
  });

  it('of JSON may say its character set', async () => {
    const asked = post(rig.submission(), { 'content-type': 'application/json; charset=utf-8' });
    expect((await rig.ask('/api/v1/runs', asked)).status).toBe(201);
  });

  it('that is too large is too_large, announced or not, and the next request is served', async () => {
    const body = JSON.stringify({ command: 'x'.repeat(LIMITS.bodyBytes) });
    expect(await refusal('/api/v1/runs', { method: 'POST', body })).toMatchObject({
      status: 413,
      code: 'too_large',
      detail: 'the request body is larger than 16 MiB',
    });
    const chunked = { 'transfer-encoding': 'chunked' };
    expect((await refusal('/api/v1/runs', { method: 'POST', body, headers: chunked })).code).toBe(
      'too_large',
    );
    expect((await rig.ask('/api/v1/runs?limit=1')).status).toBe(200);
  });
});

describe('an address', () => {
  it.each([
    'GET /',
    'GET /api/v2/runs',
    'PATCH /api/v1/runs',
    'DELETE /api/v1/runs',
    'POST /api/v1/runs/x',
    'TRACE /',
  ])('that is none is not_found and named: %s', async (text) => {
    const [method = '', path = ''] = text.split(' ');
    const problem = await refusal(path, { method });
    expect(problem).toMatchObject({ status: 404, code: 'not_found', detail: `there is no ${text}` });
  });

  it.each([
    '/api/v1/runs/none',
    '/api/v1/runs/..',
    '/api/v1/runs/%2e%2e',
    '/api/v1/runs/..%2f..%2fetc',
    '/api/v1/runs/%00',
    '/api/v1/runs/%ff',
    '/api/v1/runs/%F0%9F%A6%8A',
    "/api/v1/runs/'%20OR%201=1",
    '/api/v1/runs/0199',
    '/api/v1/runs//',
    `/api/v1/runs/${'0'.repeat(190)}`,
    '/api/v1/runs/none/logs',
    '/api/v1/runs/none/wait',
    '/api/v1/runs/none/artifacts',
    '/api/v1/runs/none/artifacts/x/url',
    '//',
  ])('of a run that is not there is not_found: %s', async (path) => {
    expect(await refusal(path)).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('with an id too long to be one is invalid_request', async () => {
    expect((await refusal(`/api/v1/runs/${'x'.repeat(201)}`)).detail).toContain('id');
  });

  it('longer than a head may be is too_large', async () => {
    expect(await refusal(`/${'x'.repeat(100_000)}`)).toMatchObject({ code: 'too_large', status: 413 });
  });

  it.each(['GARBAGE\r\n\r\n', 'GET /\\ HTTP/1.1\r\nhost: x\r\n\r\n', 'GET / HTTP/1.1\r\nbad header\r\n\r\n'])(
    'that is no request at all is invalid_request: %j',
    async (bytes) => {
      const problem = problemIn(await rig.raw(bytes));
      expect([problem.code, problem.status]).toEqual(['invalid_request', 400]);
    },
  );

  it.each(['/api/v1/events', '/api/v1/runs/x/watch'])(
    'of a WebSocket asked for plainly says so: %s',
    async (path) => {
      expect((await refusal(path)).detail).toMatch(/is a WebSocket/);
    },
  );
});

describe('a list', () => {
  it('comes newest first, page by page, without a run twice or missing, though new ones come meanwhile', async () => {
    for (let i = 0; i < 7; i += 1) await rig.submit({ name: 'paged' });
    const all = (await rig.json<RunPage>('/api/v1/runs?name=paged')).runs.map(({ id }) => id);
    expect(all).toHaveLength(7);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = await rig.json<RunPage>(`/api/v1/runs?name=paged&limit=3${query}`);
      seen.push(...page.runs.map(({ id }) => id));
      cursor = page.nextCursor;
      await rig.submit({ name: 'paged' });
    }
    expect(seen).toEqual(all);
  });

  it('filters by status, workspace, name and time', async () => {
    const run = await rig.submit({ name: 'wanted' });
    await rig.ask(`/api/v1/runs/${run.id}`, { method: 'DELETE' });
    const find = async (query: string) => (await rig.json<RunPage>(`/api/v1/runs?name=wanted&${query}`)).runs;
    expect(await find('status=cancelled')).toMatchObject([{ id: run.id }]);
    expect(await find('status=pending')).toEqual([]);
    expect(await find('workspace=project')).toHaveLength(1);
    expect(await find('workspace=other')).toEqual([]);
    expect(await find(`since=${run.createdAt}`)).toHaveLength(1);
    expect(await find('since=2999-01-01T00:00:00%2B02:00')).toEqual([]);
    expect((await find('limit=1'))[0]).not.toHaveProperty('artifacts');
  });

  it.each([
    ['status=lost', 'status'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=x', 'limit'],
    ['since=yesterday', 'since'],
    ['cursor=bogus', 'cursor'],
    ['cursor=djE6LTE', 'cursor'],
    ['staus=failed', 'staus'],
  ])('asked for with %s is invalid_request', async (query, word) => {
    const problem = await refusal(`/api/v1/runs?${query}`);
    expect(problem.code).toBe('invalid_request');
    expect(problem.detail).toContain(word);
  });
});

describe('cancel', () => {
  it('ends a queued run at once, and a second time is a conflict', async () => {
    const { id } = await rig.submit();
    const run = await rig.json<Run>(`/api/v1/runs/${id}`, { method: 'DELETE' });
    expect(run).toMatchObject({
      status: 'cancelled',
      reason: 'cancelled',
      message: 'cancelled before it started',
    });
    expect(await refusal(`/api/v1/runs/${id}`, { method: 'DELETE' })).toMatchObject({
      status: 409,
      code: 'conflict',
    });
  });

  it('of an ambiguous id lists the candidates', async () => {
    const [a, b] = [await rig.submit(), await rig.submit()];
    const problem = await refusal(`/api/v1/runs/${a.id.slice(0, 4)}`, { method: 'DELETE' });
    expect(problem).toMatchObject({ status: 409, code: 'ambiguous' });
    expect(problem.details?.candidates).toContain(b.id);
  });
});

describe('wait', () => {
  it('answers 202 with the run when the time is up, whatever fraction of a second that is', async () => {
    const { id } = await rig.submit();
    for (const timeout of ['0', '0.0004', '0.01'])
      expect(await rig.ask(`/api/v1/runs/${id}/wait?timeout=${timeout}`)).toMatchObject({ status: 202 });
    expect((await refusal(`/api/v1/runs/${id}/wait?timeout=-1`)).detail).toContain('timeout');
  });

  it('answers 200 the moment that the run ends', async () => {
    const { id } = await rig.submit();
    const waiting = rig.ask(`/api/v1/runs/${id}/wait?timeout=60`);
    await rig.ask(`/api/v1/runs/${id}`, { method: 'DELETE' });
    const { status, text } = await waiting;
    expect([status, (JSON.parse(text) as Run).status]).toEqual([200, 'cancelled']);
  });
});

describe('the queue', () => {
  it('gives places and reasons, alike in lists and for one', async () => {
    await rig.json('/api/local/v1/queue/pause', { method: 'POST' });
    const runs = [];
    for (const priority of [0, 5, 0]) runs.push(await rig.submit({ hold: false, priority }));
    const [third, first, last] = await Promise.all(runs.map(({ id }) => rig.json<Run>(`/api/v1/runs/${id}`)));
    expect([first?.position, third?.position, last?.position]).toEqual([1, 2, 3]);
    expect(first?.message).toBe('the queue is paused; go on with: qwex resume');
    const listed = (await rig.json<RunPage>('/api/v1/runs?limit=3')).runs;
    expect(listed.map(({ position }) => position)).toEqual([3, 1, 2]);
    for (const { id } of runs) await rig.json(`/api/v1/runs/${id}`, { method: 'DELETE' });
    await rig.json('/api/local/v1/queue/resume', { method: 'POST' });
  });

  it('holds and releases, and refuses both of an ended run', async () => {
    const { id } = await rig.submit();
    await rig.json(`/api/local/v1/runs/${id}/hold`, { method: 'POST' });
    await rig.json(`/api/v1/runs/${id}`, { method: 'DELETE' });
    for (const verb of ['hold', 'release']) {
      const problem = await refusal(`/api/local/v1/runs/${id}/${verb}`, { method: 'POST' });
      expect(problem).toMatchObject({
        code: 'conflict',
        detail: `cannot ${verb} run ${id}: it has already ended (cancelled)`,
      });
    }
  });
});
