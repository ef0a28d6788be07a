// What no client would send: torn heads, wrong lengths, chunks that are none, requests in one breath, WebSockets of
// nonsense, and bodies made to cost more than they are. The daemon answers in whole answers or hangs up; it stays.
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { API, fillPath, LOCAL_API } from '../../shared/api.ts';
import { LIMITS } from '../../shared/schemas/run.ts';
import { problemIn } from '../rig/answer.ts';
import { Rig } from '../rig/rig.ts';
import { hostileText } from './hostile.ts';
import { answersIn, ask, send } from './raw-http.ts';
import { requestsTo, serialize, type Target } from './requests.ts';
import { cases, timeLimit } from './settings.ts';
import { checkAnswer, World } from './world.ts';

test(
  'bytes that are no request, or several, or half of one, get whole answers or none',
  async () => {
    await using rig = await Rig.start();
    const world = await World.start(rig);
    const { socket } = rig.paths;
    await fc.assert(
      fc.asyncProperty(brokenBytes(world.target), async (bytes) => {
        for (const answer of answersIn(await send(socket, bytes))) checkAnswer(answer, 'GET');
      }),
      cases(150),
    );
    await world.check();
  },
  timeLimit(60),
);

test('unusual heads are answered', async () => {
  await using rig = await Rig.start();
  const heads: [string, number][] = [
    ['GET /api/v1/runs HTTP/1.1\r\nhost: x\r\nexpect: the moon\r\n\r\n', 200],
    ['GET /api/v1/runs HTTP/1.1\r\n\r\n', 200],
    ['CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 413],
  ];
  for (const [head, status] of heads) {
    const answer = await ask(rig.paths.socket, Buffer.from(head), 'GET');
    checkAnswer(answer, 'GET');
    expect(answer.status, head.slice(0, 100)).toBe(status);
    if (status === 413)
      expect(problemIn(answer).detail).toBe('the head of the request is larger than 16 KiB');
  }
  // A second one that asks to be told when to go on, while the first is being answered.
  const head = `POST ${fillPath(LOCAL_API.release, { id: 'none' })} HTTP/1.1\r\n`;
  const twice = Buffer.from(`${head}\r\n${head}expect: 100-continue\r\n\r\n`);
  const answers = answersIn(await send(rig.paths.socket, twice));
  expect(answers.map(({ status }) => status)).toEqual([404, 404]);
  // Bytes that are no UTF-8 would otherwise be run as something else than was sent.
  const body = Buffer.concat([Buffer.from('{"command":"a'), Buffer.of(0xff), Buffer.from('"}')]);
  expect(problemIn(await post(rig, body))).toMatchObject({
    status: 400,
    detail: 'the body is not valid UTF-8',
  });
});

test('whoever is refused in the middle of a body gets to read why, also when it is the last request', async () => {
  await using rig = await Rig.start();
  const body = Buffer.alloc(LIMITS.bodyBytes + 1, 'x');
  const types = ['content-type: application/json\r\n', 'content-type: text/plain\r\n', ''];
  for (const type of types) {
    for (const last of ['connection: close\r\n', '']) {
      const head = `POST /api/v1/runs HTTP/1.1\r\nhost: x\r\n${type}${last}content-length: ${body.length}\r\n\r\n`;
      const answer = await ask(rig.paths.socket, Buffer.concat([Buffer.from(head), body]), 'POST');
      expect(problemIn(answer).status, type + last).toBe(type.includes('json') ? 413 : 400);
    }
  }
  // And so does the user of the command line.
  const repo = await rig.repo();
  const each = `true ${'x'.repeat(4000)}\n`.repeat(5000);
  const { code, stderr } = await rig.qwex(['run', '--each', '-'], { cwd: repo.root, input: each });
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'error: the request body is larger than 16 MiB\nhint: send fewer runs in one request\n',
  });
});

test('whoever is refused for their head can send the rest of it before they read why', async () => {
  await using rig = await Rig.start();
  const socket = connect({ path: rig.paths.socket, allowHalfOpen: true });
  const write = (bytes: number) =>
    new Promise<void>((resolve, reject) => {
      socket.write(Buffer.alloc(bytes, 'x'), (error) => (error ? reject(error) : resolve()));
    });
  socket.write('GET / HTTP/1.1\r\nhost: x\r\nx: ');
  await write(30_000);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  // Each of these is more than the connection holds, so somebody has to take it.
  for (const bytes of [1_000_000, 1_000_000, 1_000_000]) await write(bytes);
  socket.end();
  await once(socket, 'close');
  expect(answersIn(answer).map(({ status }) => status)).toEqual([413]);
});

test('an answer that is on its way is not mixed with the refusal of what comes behind its request', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const script = 'mkdir -p out && head -c 30000000 /dev/zero >out/large';
  const { id } = await rig.ended(await rig.submit(repo, '--', 'sh', '-c', script));
  const { url } = await rig.client.request<{ url: string }>(API.artifactUrl, {
    params: { id, name: 'out/large' },
  });
  const { pathname, search } = new URL(url);
  const socket = connect(rig.paths.socket);
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nhost: x\r\n\r\n`);
  const [first] = (await once(socket, 'data')) as [Buffer];
  socket.write('no request at all\r\n\r\n');
  const chunks = [first];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const received = Buffer.concat(chunks);
  const content = received.subarray(received.indexOf('\r\n\r\n') + 4);
  expect(content.every((byte) => byte === 0)).toBe(true);
});

test(
  'bodies made to cost more than their size cost little, one by one and many at once',
  async () => {
    await using rig = await Rig.start();
    const world = await World.start(rig);
    const most = LIMITS.bodyBytes;
    const costly: [string, RegExp][] = [
      ['['.repeat(most), /nested more than 64 levels/],
      [`{"env":${'{"a":'.repeat(most / 8)}1${'}'.repeat(most / 8)}}`, /nested more than 64 levels/],
      [`{${Array.from({ length: most / 16 }, (_, n) => `"k${n}":1`).join()}}`, /more than 20000 keys/],
      [`{"args":["",${'"",'.repeat(most / 4)}""]}`, /the limit is 4096/],
      [`{"command":"${'\\u0041'.repeat(most / 8)}"}`, /source/],
      [`{"name":"${'\\ud800'.repeat(most / 8)}","${'x'.repeat(most / 8)}":1}`, /the limit is 100/],
      [`"${'x'.repeat(most)}"`, /larger than 16 MiB/],
    ];
    for (const [body, words] of costly) {
      const answer = await post(rig, body);
      expect(problemIn(answer).detail).toMatch(words);
      expect(answer.text.length).toBeLessThan(10_000);
    }
    const before = world.mostMb();
    await Promise.all(Array.from({ length: 12 }, () => post(rig, costly[3]?.[0] ?? '')));
    // All of them at once would be a gigabyte.
    expect(world.mostMb() - before).toBeLessThan(250);
    await world.check({ growthMb: 400 });
  },
  timeLimit(120),
);

function post(rig: Rig, body: string | Buffer): ReturnType<typeof ask> {
  const bytes = Buffer.from(body);
  const head = `POST ${API.submit.path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${bytes.length}\r\n\r\n`;
  return ask(rig.paths.socket, Buffer.concat([Buffer.from(head), bytes]), 'POST');
}

function brokenBytes(target: Target): fc.Arbitrary<Buffer> {
  const whole = requestsTo(target).map(serialize);
  const torn = fc.tuple(whole, fc.nat(2000)).map(([bytes, at]) => bytes.subarray(0, at));
  const pieces = fc.array(fc.tuple(fc.nat(600), fc.uint8Array({ minLength: 1, maxLength: 4 })), {
    maxLength: 4,
  });
  const scratched = fc.tuple(whole, pieces).map(([bytes, marks]) => {
    const copy = Buffer.from(bytes);
    for (const [at, mark] of marks)
      copy.set(mark.slice(0, Math.max(0, copy.length - at)), Math.min(at, copy.length));
    return copy;
  });
  const headers = fc.array(fc.constantFrom(...BAD_HEADERS), { maxLength: 3 });
  const path = fc.constantFrom(
    API.submit.path,
    API.list.path,
    LOCAL_API.gc.path,
    API.events.path,
    '*',
    'http://x/',
  );
  const method = fc.constantFrom('GET', 'POST', 'OPTIONS', 'get', 'M-SEARCH', '');
  const version = fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', '', 'ICY');
  const body = fc.constantFrom(
    '',
    '{}',
    '5\r\n{"a":\r\n0\r\n\r\n',
    'ffffffffffffffff\r\n',
    '0\r\n\r\n',
    '\r\n\r\n',
    '5;x=y\r\n{}   \r\n0\r\nt: 1\r\n\r\n',
  );
  const odd = fc
    .tuple(method, path, version, headers, body)
    .map(([a, b, c, fields, rest]) =>
      Buffer.from(`${a} ${b} ${c}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n${rest}`),
    );
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    hostileText.map((text) => Buffer.from(text)),
  );
  const one = fc.oneof(
    whole,
    torn,
    scratched,
    odd,
    noise.map((bytes) => Buffer.from(bytes)),
  );
  return fc
    .array(one, { minLength: 1, maxLength: 4 })
    .map((all) => Buffer.concat(all))
    .filter((bytes) => !isNoUse(bytes));
}

const BAD_HEADERS = [
  ...[
    'host: x',
    'content-length: 5',
    'content-length: -1',
    'content-length: 99999999999999999999',
    'content-length: 1, 2',
  ],
  ...[
    'transfer-encoding: chunked',
    'transfer-encoding: gzip, chunked',
    'transfer-encoding: x',
    'expect: 100-continue',
  ],
  ...[
    'content-type: application/json',
    'connection: upgrade',
    'upgrade: websocket',
    'upgrade: h2c',
    'sec-websocket-version: 13',
  ],
  ...[
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-key: x',
    'bad header',
    ': x',
    'a\0b: c',
    'x: \0',
    ' folded',
  ],
];

/** Stops the daemon by accident; or has no body, after which a refusal that has one can't be told apart. */
function isNoUse(bytes: Buffer): boolean {
  return bytes.includes('daemon/stop') || bytes.includes('HEAD ');
}
