import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FollowOptions, type LogChunk, LogFollower } from '../../../daemon/logs/log-follower.ts';

class Rig implements Disposable {
  readonly folder = fs.mkdtempSync(join(tmpdir(), 'qwex-follow-'));
  readonly file = join(this.folder, 'stdout.log');
  readonly follower = new LogFollower();
  readonly #end = new AbortController();
  readonly ended = this.#end.signal;

  end(): void {
    this.#end.abort();
  }

  follow(options: Partial<FollowOptions> = {}): AsyncGenerator<LogChunk, void, undefined> {
    return this.follower.follow(this.file, { ended: this.ended, ...options });
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** All bytes, and a check that every chunk begins where the one before ended. */
async function collect(chunks: AsyncIterable<LogChunk>, offset = 0): Promise<Buffer> {
  const parts: Buffer[] = [];
  let next = offset;
  for await (const chunk of chunks) {
    expect(chunk.offset).toBe(next);
    expect(chunk.data.length).toBeLessThanOrEqual(256 * 1024);
    parts.push(chunk.data);
    next += chunk.data.length;
  }
  return Buffer.concat(parts);
}

/** Pulls until `bytes` have come. */
async function pull(chunks: AsyncGenerator<LogChunk, void, undefined>, bytes: number): Promise<string> {
  let text = '';
  while (text.length < bytes) {
    const { value } = await chunks.next();
    if (value === undefined) throw new Error(`ended after ${JSON.stringify(text)}`);
    text += value.data.toString('latin1');
  }
  return text;
}

test('gives what is there, then what comes, then ends', async () => {
  using rig = new Rig();
  fs.writeFileSync(rig.file, 'before ');
  const chunks = rig.follow();
  expect(await pull(chunks, 7)).toBe('before ');
  const waiting = pull(chunks, 5);
  fs.appendFileSync(rig.file, 'while');
  expect(await waiting).toBe('while');
  const last = chunks.next();
  fs.appendFileSync(rig.file, ' after');
  rig.end();
  expect((await last).value?.data.toString()).toBe(' after');
  expect((await chunks.next()).done).toBe(true);
});

test('waits for a log whose folders are not there yet', async () => {
  using rig = new Rig();
  const file = join(rig.folder, 'runs/7/logs/stdout.log');
  const chunks = rig.follower.follow(file, { ended: rig.ended });
  const first = chunks.next();
  fs.mkdirSync(join(rig.folder, 'runs'));
  fs.mkdirSync(join(rig.folder, 'runs/7/logs'), { recursive: true });
  fs.writeFileSync(file, 'x');
  expect((await first).value?.data.toString()).toBe('x');
  const second = pull(chunks, 4);
  fs.appendFileSync(file, 'more');
  expect(await second).toBe('more');
  rig.end();
  expect((await chunks.next()).done).toBe(true);
});

test('a log that never came ends empty', async () => {
  using rig = new Rig();
  const all = collect(rig.follow());
  rig.end();
  expect(await all).toEqual(Buffer.alloc(0));
});

test('from any offset, however it was written, followers get exactly the bytes', async () => {
  const writes = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40_000 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(writes, fc.nat({ max: 12 }), fc.nat(), async (parts, already, seed) => {
      using rig = new Rig();
      const content = Buffer.concat(parts);
      const offset = content.length === 0 ? 0 : seed % content.length;
      for (const part of parts.slice(0, already)) fs.appendFileSync(rig.file, part);
      // A reader asks for an offset that it has seen; one from the start is always right.
      const from = Math.min(offset, fs.statSync(rig.file, { throwIfNoEntry: false })?.size ?? 0);
      const all = [collect(rig.follow()), collect(rig.follow({ offset: from }), from)];
      for (const part of parts.slice(already)) await fs.promises.appendFile(rig.file, part);
      rig.end();
      const [whole, rest] = await Promise.all(all);
      expect(whole?.equals(content)).toBe(true);
      expect(rest?.equals(content.subarray(from))).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test('the output of a real program, byte by byte', async () => {
  using rig = new Rig();
  const log = fs.openSync(rig.file, 'a');
  const program = 'for i in $(seq 1 3000); do echo "line $i"; done; head -c 3000000 /dev/zero';
  const child = spawn('sh', ['-c', program], { stdio: ['ignore', log, 'inherit'] });
  fs.closeSync(log);
  const all = collect(rig.follow());
  await once(child, 'exit');
  rig.end();
  expect((await all).equals(fs.readFileSync(rig.file))).toBe(true);
});

test('two hundred followers share a log and each gets all of it', async () => {
  using rig = new Rig();
  const content = Buffer.alloc(1_000_000, 'some output\n');
  const all = Promise.all(Array.from({ length: 200 }, () => collect(rig.follow())));
  for (let at = 0; at < content.length; at += 100_000) {
    await fs.promises.appendFile(rig.file, content.subarray(at, at + 100_000));
  }
  rig.end();
  expect((await all).every((each) => each.equals(content))).toBe(true);
});

test('a log that is cut goes on from its new end, and says so once', async () => {
  using rig = new Rig();
  fs.writeFileSync(rig.file, 'first part');
  const chunks = rig.follow();
  await pull(chunks, 10);
  const gap = chunks.next();
  fs.truncateSync(rig.file, 3);
  expect((await gap).value).toEqual({ offset: 3, data: Buffer.alloc(0), gap: { previousOffset: 10 } });
  const next = chunks.next();
  fs.appendFileSync(rig.file, 'again');
  expect((await next).value).toEqual({ offset: 3, data: Buffer.from('again') });
  rig.end();
  expect((await chunks.next()).done).toBe(true);
});

test('what goes on writing after the end does not keep it from ending', async () => {
  using rig = new Rig();
  fs.writeFileSync(rig.file, Buffer.alloc(100_000));
  rig.end();
  let seen = 0;
  for await (const { data } of rig.follow()) {
    seen += data.length;
    fs.appendFileSync(rig.file, Buffer.alloc(100_000));
    if (seen > 1_000_000) throw new Error('does not end');
  }
  expect(seen).toBeGreaterThanOrEqual(100_000);
});

test('a reader that goes away ends at once, and the log is let go', async () => {
  using rig = new Rig();
  fs.writeFileSync(rig.file, 'x');
  const abort = new AbortController();
  const chunks = rig.follow({ signal: abort.signal });
  await chunks.next();
  const waiting = chunks.next();
  abort.abort();
  expect((await waiting).done).toBe(true);
  const open = fs.readdirSync('/proc/self/fd').map((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // the descriptor of this very listing is gone again
    }
  });
  expect(open).not.toContain(rig.file);
  expect(await pull(rig.follow(), 1)).toBe('x');
});
