// The body of a request before anything believes it: bounded in size, in time and in shape, and text. JSON that is
// only brackets or only keys costs a hundred times its size once it is parsed, so it is counted first, byte by byte.
// Large bodies are taken one after another: what they need at once doesn't grow with how many are sent.
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import type { Context, Next } from 'hono';
import { QwexError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/schemas/run.ts';

/** Smaller ones can't do harm, whatever is in them. */
const LARGE_BYTES = 64 * 1024;
/** Of a body that has begun: one that never ends keeps the large ones behind it waiting. */
const MOST_MS = 30_000;

/** Middleware: the body as text that no route has to fear. Reads it from the connection itself, so that what is
 * refused can still be thrown away there and the answer arrives. */
export function readBody(): (c: Context<{ Bindings: HttpBindings }>, next: Next) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  return async (c, next) => {
    if (!hasBody(c)) return next();
    const length = Number(c.req.header('content-length'));
    if (length > LIMITS.bodyBytes) throw tooManyBytes();
    const taken = async () => {
      const text = checked(await bytesOf(c.env.incoming));
      // Where hono keeps what it has read of a body, as a promise whatever its types say.
      Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
      await next();
    };
    if (length <= LARGE_BYTES) return taken();
    const turn = last.then(taken);
    last = turn.catch(() => undefined);
    return turn;
  };
}

export function hasBody(c: Context): boolean {
  return c.req.header('transfer-encoding') !== undefined || Number(c.req.header('content-length')) > 0;
}

function bytesOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const fail = (error: QwexError) => {
      incoming.off('data', take);
      chunks.length = 0;
      incoming.resume();
      reject(error);
    };
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > LIMITS.bodyBytes) fail(tooManyBytes());
    };
    const late = setTimeout(() => fail(cutShort(`did not come within ${MOST_MS / 1000} seconds`)), MOST_MS);
    incoming.on('data', take);
    incoming.once('end', () => resolve(Buffer.concat(chunks)));
    incoming.once('error', () => fail(cutShort('was cut off')));
    incoming.once('close', () => {
      clearTimeout(late);
      fail(cutShort('was cut off'));
    });
  });
}

function checked(bytes: Buffer): string {
  if (bytes.length > LARGE_BYTES) checkShape(bytes);
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw new QwexError({
    code: 'invalid_request',
    message: 'the body is not valid UTF-8',
    hint: 'JSON is sent as UTF-8',
  });
}

function cutShort(what: string): QwexError {
  return new QwexError({ code: 'invalid_request', message: `the request body ${what}` });
}

function tooManyBytes(): QwexError {
  return new QwexError({
    code: 'too_large',
    message: `the request body is larger than ${LIMITS.bodyBytes / 1024 / 1024} MiB`,
    hint: 'send fewer runs in one request',
  });
}

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Throws `too_large` for more levels or more keys than any request has. Says nothing about whether it is JSON. */
export function checkShape(bytes: Uint8Array): void {
  let [depth, keys, isText] = [0, 0, false];
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (isText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (OPENING.has(byte)) depth += 1;
    else if (CLOSING.has(byte)) depth -= 1;
    else if (byte === COLON) keys += 1;
    if (depth > LIMITS.bodyDepth) throw tooLarge(`is nested more than ${LIMITS.bodyDepth} levels deep`);
    if (keys > LIMITS.bodyKeys) throw tooLarge(`has more than ${LIMITS.bodyKeys} keys`);
  }
}

function tooLarge(what: string): QwexError {
  return new QwexError({
    code: 'too_large',
    message: `the request body ${what}`,
    hint: 'no request needs that',
  });
}
