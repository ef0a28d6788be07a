// What comes of runs that really ran: logs, artifacts, downloads, watches, events.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DownloadSigner } from '../../../daemon/api/downloads.ts';
import { openWebSocket } from '../../../shared/client/unix-websocket.ts';
import { decodeOutput, type OutputChunk } from '../../../shared/output-frame.ts';
import type { ArtifactList, ArtifactUrl, LogsResponse, Run } from '../../../shared/schemas/run.ts';
import type { EventsMessage, WatchMessage } from '../../../shared/schemas/watch.ts';
import { ApiRig, problemIn } from './rig.ts';

let rig: ApiRig;
let run: Run;
const SCRIPT = `printf 'aé' ; printf 'oops' >&2
mkdir -p 'out/a b' && printf data > 'out/a b/ü%2F#?.txt' && printf x > out/plain && ln -s plain out/link`;
beforeAll(async () => {
  rig = await ApiRig.start();
  run = await rig.run(SCRIPT);
});
afterAll(() => rig[Symbol.asyncDispose]());

const NAME = 'out/a b/ü%2F#?.txt';
const at = (path: string) => `/api/v1/runs/${run.id}/${path}`;

describe('a run that has ended', () => {
  it('says how', () => {
    expect(run).toMatchObject({
      status: 'succeeded',
      exitCode: 0,
      reason: 'exit',
      message: null,
      position: null,
    });
    expect(run.artifacts?.map(({ path }) => path).sort()).toEqual([NAME, 'out/link', 'out/plain']);
  });
});

describe('logs', () => {
  it('give both streams, or one', async () => {
    expect(await rig.json<LogsResponse>(at('logs'))).toEqual({
      stdout: 'aé',
      stderr: 'oops',
      offsets: { stdout: 3, stderr: 4 },
    });
    expect(await rig.json(at('logs?stream=stderr'))).toMatchObject({ stdout: '', stderr: 'oops' });
  });

  it('piece by piece are whole, though a character lies across two', async () => {
    const first = await rig.json<LogsResponse>(at('logs?stream=stdout&limit=2'));
    expect(first).toMatchObject({ stdout: 'a', offsets: { stdout: 1 } });
    const second = await rig.json<LogsResponse>(
      at(`logs?stream=stdout&limit=2&offset=${first.offsets.stdout}`),
    );
    expect(second).toMatchObject({ stdout: 'é', offsets: { stdout: 3 } });
    // A limit of less than a character must still go on.
    expect(await rig.json(at('logs?stream=stdout&limit=1&offset=1'))).toMatchObject({
      offsets: { stdout: 2 },
    });
  });

  it.each(['stream=stdin', 'offset=-1', 'limit=0', 'tail=x', 'follow=1'])('refuse %s', async (query) => {
    expect(problemIn(await rig.ask(at(`logs?${query}`))).code).toBe('invalid_request');
  });

  it('of a run that has not begun are empty', async () => {
    const held = await rig.submit();
    expect(await rig.json(`/api/v1/runs/${held.id}/logs`)).toMatchObject({ stdout: '', stderr: '' });
  });
});

describe('artifacts', () => {
  it('are listed', async () => {
    const list = await rig.json<ArtifactList>(at('artifacts'));
    expect(list.skipped).toEqual([]);
    expect(list.artifacts.find(({ path }) => path === 'out/link')).toMatchObject({
      type: 'symlink',
      target: 'plain',
    });
    expect(list.artifacts.find(({ path }) => path === NAME)).toMatchObject({ sizeBytes: 4, type: 'file' });
  });

  it('come from a URL that was asked for, whatever their name', async () => {
    const { url, expires } = await rig.json<ArtifactUrl>(at(`artifacts/${encodeURIComponent(NAME)}/url`));
    expect(expires * 1000).toBeGreaterThan(Date.now());
    const { pathname, search, origin } = new URL(url);
    expect(origin).toBe('http://localhost');
    const { status, headers, text } = await rig.ask(pathname + search);
    expect([status, text, headers['content-length']]).toEqual([200, 'data', '4']);
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment',
      'x-content-type-options': 'nosniff',
    });
  });

  it('asked for by HEAD leave no file open', async () => {
    const { url } = await rig.json<ArtifactUrl>(at('artifacts/out%2Fplain/url'));
    const { pathname, search } = new URL(url);
    const open = async () => (await readdir('/proc/self/fd')).length;
    await rig.ask(pathname + search, { method: 'HEAD' });
    const before = await open();
    for (let i = 0; i < 20; i += 1) {
      const { status, headers } = await rig.ask(pathname + search, { method: 'HEAD' });
      expect([status, headers['content-length']]).toEqual([200, '1']);
    }
    expect(await open()).toBeLessThan(before + 10);
  });

  it('with another signature, name, run or time are forbidden', async () => {
    const other = await rig.submit();
    const { url } = await rig.json<ArtifactUrl>(at('artifacts/out%2Fplain/url'));
    const good = new URL(url);
    const change = (name: string, value: string) => {
      const changed = new URL(url);
      changed.searchParams.set(name, value);
      return changed.pathname + changed.search;
    };
    const signature = good.searchParams.get('signature') ?? '';
    const flipped = signature.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
    for (const path of [
      change('signature', flipped),
      change('signature', `${signature}zz`),
      change('signature', ''),
      change('expires', String(Number(good.searchParams.get('expires')) + 1)),
      good.pathname.replace('plain', 'link') + good.search,
      good.pathname.replace(run.id, other.id) + good.search,
    ])
      expect(problemIn(await rig.ask(path))).toMatchObject({ status: 403, code: 'forbidden' });
    expect(problemIn(await rig.ask(good.pathname)).code).toBe('invalid_request');
  });

  it.each([
    ['out%2Fmissing', 404],
    ['out', 404],
    ['..%2F..%2Frun.json', 400],
    ['%2Fetc%2Fpasswd', 400],
    ['out%2F..%2F..%2Frun.json', 400],
    ['out%2Flink', 422],
  ])('%s have no URL', async (name, status) => {
    expect(problemIn(await rig.ask(at(`artifacts/${name}/url`))).status).toBe(status);
  });
});

describe('a signature', () => {
  it('is over after its time', () => {
    let nowMs = 1_000_000;
    const signer = new DownloadSigner(Buffer.alloc(32, 1), () => nowMs);
    const { url, expires } = signer.sign('run', 'a/b', 'http://localhost');
    const signature = new URL(url).searchParams.get('signature') ?? '';
    nowMs = expires * 1000;
    expect(() => signer.verify('run', 'a/b', { expires, signature })).not.toThrow();
    nowMs += 1;
    expect(() => signer.verify('run', 'a/b', { expires, signature })).toThrow(
      'this download URL has expired',
    );
    const stranger = new DownloadSigner(Buffer.alloc(32, 2), () => 0);
    expect(() => stranger.verify('run', 'a/b', { expires, signature })).toThrow(/not valid/);
  });
});

describe('a bug', () => {
  it('is answered with an id and without a trace of it', async () => {
    const broken = await rig.submit();
    // A folder where a file should be is nothing that anybody foresees.
    await mkdir(join(broken.directory, 'artifacts.json'), { recursive: true });
    const problem = problemIn(await rig.ask(`/api/v1/runs/${broken.id}/artifacts`));
    expect(problem).toMatchObject({ status: 500, code: 'internal' });
    expect(problem.detail).toMatch(/^an internal error happened \([0-9a-f-]{36}\)$/);
    await writeFile(join(broken.directory, 'ignored'), '');
  });
});

describe('the watch of a run', () => {
  it('sends the run, its output from the first byte, and the end', async () => {
    const { frames, output } = await watch(at('watch'));
    expect(frames.map(({ type }) => type)).toEqual(['run', 'end']);
    expect(frames[1]).toMatchObject({ run: { id: run.id, status: 'succeeded' } });
    expect(output).toEqual({ stdout: 'aé', stderr: 'oops' });
  });

  it('goes on at the bytes that are asked for', async () => {
    expect((await watch(at('watch?stdout=1&stderr=4'))).output).toEqual({ stdout: 'é', stderr: '' });
  });

  it('says only how much there is to who reads it themselves', async () => {
    const { frames, output } = await watch(at('watch?output=lengths&stdout=1'));
    const told = frames.filter(({ type }) => type === 'written');
    expect(told.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))).toEqual([
      { type: 'written', stream: 'stderr', offset: 0, bytes: 4 },
      { type: 'written', stream: 'stdout', offset: 1, bytes: 2 },
    ]);
    expect(output).toEqual({ stdout: '', stderr: '' });
  });

  it('that begins with the last lines says first where that is', async () => {
    const offsets: number[] = [];
    const { output } = await watch(at('watch?tail=0'), ({ offset, data }) =>
      offsets.push(offset, data.length),
    );
    expect(output).toEqual({ stdout: '', stderr: '' });
    expect(offsets.sort()).toEqual([0, 0, 3, 4]);
  });

  it('sees every change of a run that is not there yet', async () => {
    const held = await rig.submit({ command: 'sh', args: ['-c', 'echo live'], hold: true });
    const released = rig.json(`/api/local/v1/runs/${held.id}/release`, { method: 'POST' });
    const { frames, output } = await watch(`/api/v1/runs/${held.id}/watch`);
    await released;
    const phases = frames.map((frame) => ('run' in frame ? frame.run.phase : ''));
    expect(phases.at(-1)).toBe('succeeded');
    expect(output.stdout).toBe('live\n');
  });

  it('follows a retry, whose output is its own', async () => {
    const failed = await rig.submit({
      command: 'sh',
      args: ['-c', 'printf try; exit 3'],
      hold: false,
      retries: 1,
    });
    const last = await rig.json<Run>(`/api/v1/runs/${failed.id}/wait`);
    expect(last).toMatchObject({ retryOf: failed.id, status: 'failed', exitCode: 3 });
    const { frames, output } = await watch(`/api/v1/runs/${failed.id}/watch`);
    expect(frames.map((frame) => 'run' in frame && [frame.type, frame.run.id])).toEqual([
      ['run', failed.id],
      ['run', failed.id],
      ['run', last.id],
      ['end', last.id],
    ]);
    expect(output.stdout).toBe('trytry');
  });

  it.each([
    ['/api/v1/runs/none/watch', 404, 'not_found'],
    ['/api/v1/runs/%E0%A4%A/watch', 400, 'invalid_request'],
    ['/api/v1/nothing', 404, 'not_found'],
    ['/api/v1/events?since=-1', 400, 'invalid_request'],
    ['/api/v1/runs/@/watch?output=all', 400, 'invalid_request'],
    ['//', 404, 'not_found'],
  ])('of %s is refused with a problem', async (path, status, code) => {
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13';
    const head = `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`;
    expect(problemIn(await rig.raw(head))).toMatchObject({ status, code });
  });

  it('without the head of a WebSocket is refused with a problem', async () => {
    const head =
      'GET /api/v1/events HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    expect(problemIn(await rig.raw(head)).code).toBe('invalid_request');
  });
});

describe('the events', () => {
  it('come from the one after that a reader has seen, then as they happen', async () => {
    const first = await rig.frames<EventsMessage>('/api/v1/events?since=0', (_, all) => all.length === 3);
    expect(first.slice(0, 3)).toMatchObject([1, 2, 3].map((seq) => ({ type: 'event', event: { seq } })));
    const held = await rig.submit();
    const seen = rig.frames<EventsMessage>('/api/v1/events?since=3', (frame) =>
      isOf(frame, held.id, 'run.cancelled'),
    );
    await rig.ask(`/api/v1/runs/${held.id}`, { method: 'DELETE' });
    const numbers = (await seen).map((frame) => (frame.type === 'event' ? frame.event.seq : 0));
    expect(numbers).toEqual(numbers.map((_, index) => index + 4));
  });

  it('of a place that is not kept begin with a reset', async () => {
    const frames = await rig.frames<EventsMessage>('/api/v1/events?since=999999', () => true);
    expect(frames).toEqual([{ type: 'reset', seq: expect.any(Number) }]);
  });
});

const isOf = (frame: EventsMessage, id: string, type: string) =>
  frame.type === 'event' && frame.event.runId === id && frame.event.type === type;

async function watch(path: string, see: (chunk: OutputChunk) => void = () => undefined) {
  const socket = await openWebSocket(rig.socket, path);
  const frames: WatchMessage[] = [];
  const output = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  socket.on('message', (data: Buffer, isBinary) => {
    if (!isBinary) frames.push(JSON.parse(data.toString('utf8')) as WatchMessage);
    else {
      const chunk = decodeOutput(data);
      see(chunk);
      output[chunk.stream] = Buffer.concat([output[chunk.stream], chunk.data]);
    }
  });
  const code = await new Promise<number>((resolve, reject) => {
    socket.on('close', resolve);
    socket.on('error', reject);
  });
  expect(code).toBe(1000);
  return {
    frames,
    output: { stdout: output.stdout.toString('utf8'), stderr: output.stderr.toString('utf8') },
  };
}
