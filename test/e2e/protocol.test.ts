// The daemon for programs: plain HTTP on its socket, and the client library.
import { expect, test } from 'vitest';
import type { Run } from '../../shared/schemas/run.ts';
import { packageFolder } from '../rig/command.ts';
import { lacks } from '../rig/needs.ts';
import { Rig } from '../rig/rig.ts';

test.skipIf(lacks('curl'))('plain curl is a client', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const sha = await repo.git('rev-parse', 'HEAD');
  const curl = (words: string) => rig.shell(`curl -sS --unix-socket ${rig.paths.socket} ${words}`);
  const manifest = JSON.parse((await curl('http://localhost/.well-known/qwex.json')).stdout);
  expect(manifest).toBeTypeOf('object');
  const openapi = JSON.parse((await curl('http://localhost/api/v1/openapi.json')).stdout);
  expect(openapi.openapi).toMatch(/^3\.1/);
  const body = JSON.stringify({ command: 'echo', args: ['hello'], source: { sha, key: repo.root } });
  const submitted = await curl(
    `-H 'content-type: application/json' -d '${body}' http://localhost/api/v1/runs`,
  );
  const { id } = JSON.parse(submitted.stdout) as Run;
  const waited = JSON.parse((await curl(`http://localhost/api/v1/runs/${id}/wait`)).stdout) as Run;
  expect(waited).toMatchObject({ id, status: 'succeeded', exitCode: 0 });
  const logs = JSON.parse((await curl(`http://localhost/api/v1/runs/${id}/logs`)).stdout);
  expect(logs).toMatchObject({ stdout: 'hello\n', stderr: '', offsets: { stdout: 6, stderr: 0 } });
  const missing = await curl(`-w '%{http_code} %{content_type}' http://localhost/api/v1/runs/nobody`);
  expect(missing.stdout).toMatch(/"code":"not_found".*404 application\/problem\+json$/);
  const bad = await curl(`-H 'content-type: application/json' -d '{}' http://localhost/api/v1/runs`);
  expect(JSON.parse(bad.stdout)).toMatchObject({ status: 400, code: 'invalid_request' });
});

test('import { LocalRunner } from "qwex" submits, watches and fetches', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const sha = await repo.git('rev-parse', 'HEAD');
  const source = `
    import { LocalRunner, QwexError } from 'qwex';
    const runner = new LocalRunner();
    const key = ${JSON.stringify(repo.root)};
    const command = 'mkdir -p out; printf made >out/file; printf said; exit 2';
    const run = await runner.submit({ command: 'sh', args: ['-c', command], env: {}, source: { sha: '${sha}', key } });
    let said = '';
    for await (const item of runner.watch(run.id)) if (item.type === 'output') said += item.data;
    const ended = await runner.wait(run.id);
    const { artifacts } = await runner.artifacts(run.id);
    let content = '';
    for await (const chunk of await runner.openArtifact(run.id, artifacts[0].path)) content += chunk;
    const refused = await runner.cancel(run.id).catch((error) => error instanceof QwexError && error.code);
    console.log(JSON.stringify({ said, content, code: ended.exitCode, status: ended.status, refused }));
  `;
  const node = `"${process.execPath}" --input-type=module`;
  const { code, stdout, stderr } = await rig.shell(`cd "${packageFolder}" && ${node}`, { input: source });
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    said: 'said',
    content: 'made',
    code: 2,
    status: 'failed',
    refused: 'conflict',
  });
});

test('events come in order and can be read again from any of them', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const id = await rig.submit(repo, '--', 'true');
  await rig.ended(id);
  const own = rig.events.events.filter(({ runId }) => runId === id).map(({ type }) => type);
  expect(own).toEqual(['run.submitted', 'run.claimed', 'run.started', 'run.exited', 'run.succeeded']);
  const seqs = rig.events.events.map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  await rig.killDaemon();
  const next = await rig.submit(repo, '--', 'true');
  await rig.ended(next);
  expect(new Set(rig.events.events.map(({ seq }) => seq)).size).toBe(rig.events.events.length);
});
