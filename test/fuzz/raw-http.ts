// Bytes on the daemon's socket as they are, and a strict reader of what comes back: an answer that another client
// would misread is no answer.
import { connect } from 'node:net';
import { isErrno } from '../../shared/errors.ts';
import type { Answer } from '../rig/answer.ts';

/** Longer than any answer takes on a busy machine: who waits that long was forgotten. */
const ANSWER_LIMIT_MS = 30_000;

/** One request and its answer, on a connection that is kept as any client keeps it. */
export async function ask(socketPath: string, bytes: Buffer, method: string): Promise<Answer> {
  const received = await exchange(socketPath, bytes, (sofar) => firstAnswer(sofar, method) !== null);
  const answer = firstAnswer(received, method);
  if (answer === null) throw new Error(`no answer: ${show(received)}`);
  return answer;
}

/** Bytes that nothing follows, and all that comes back until the daemon hangs up. */
export function send(socketPath: string, bytes: Buffer): Promise<Buffer> {
  return exchange(socketPath, bytes, null);
}

/** `isEnough`: hang up then; null: say at once that nothing more comes, and listen to the end. */
function exchange(
  socketPath: string,
  bytes: Buffer,
  isEnough: ((received: Buffer) => boolean) | null,
): Promise<Buffer> {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  const received: Buffer[] = [];
  const done = new Promise<Buffer>((resolve, reject) => {
    const limit = setTimeout(() => socket.destroy(new Error('no answer in time')), ANSWER_LIMIT_MS);
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      if (isEnough?.(Buffer.concat(received))) socket.destroy();
    });
    // What a server does that has answered and wants no more of this.
    socket.on('error', (error) => {
      if (!isErrno(error, 'EPIPE', 'ECONNRESET')) reject(error);
    });
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(limit);
      resolve(Buffer.concat(received));
    });
  });
  socket.write(bytes);
  if (isEnough === null) socket.end();
  return done;
}

/** Null when it isn't whole yet. Throws for what is no HTTP. */
function firstAnswer(bytes: Buffer, method: string): Answer | null {
  let rest = bytes;
  for (;;) {
    if (!rest.includes('\r\n\r\n')) return null;
    try {
      const { answer, end } = readAnswer(rest, method === 'HEAD');
      if (answer.status >= 200) return answer;
      rest = rest.subarray(end);
    } catch (error) {
      if (error instanceof CutShort) return null;
      throw error;
    }
  }
}

/** The bytes are the beginning of an answer. */
class CutShort extends Error {}

/** Every answer in the bytes. Throws where they are no HTTP. `method` is that of the first request. */
export function answersIn(bytes: Buffer, method = 'GET'): Answer[] {
  const answers: Answer[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const { answer, end } = readAnswer(rest, answers.length === 0 && method === 'HEAD');
    if (answer.status !== 100) answers.push(answer);
    rest = rest.subarray(end);
  }
  return answers;
}

function readAnswer(bytes: Buffer, isHead: boolean): { answer: Answer; end: number } {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) throw new Error(`no head: ${show(bytes)}`);
  const [line = '', ...fields] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = /^HTTP\/1\.1 ([1-5]\d\d) [\x20-\x7e]*$/.exec(line)?.[1];
  if (status === undefined) throw new Error(`no status line: ${show(bytes)}`);
  const headers: Record<string, string> = {};
  for (const field of fields) {
    const [, name, value] = /^([\w-]+): ([\x20-\x7e\x80-\xff]*)$/.exec(field) ?? [];
    if (name === undefined || value === undefined) throw new Error(`no header: ${JSON.stringify(field)}`);
    headers[name.toLowerCase()] = value;
  }
  const start = headEnd + 4;
  const code = Number(status);
  const isBare = isHead || code === 204 || code === 304 || code < 200;
  const { body, end } = isBare ? { body: Buffer.alloc(0), end: start } : readBody(bytes, start, headers);
  return { answer: { status: code, headers, text: body.toString('utf8') }, end };
}

function readBody(
  bytes: Buffer,
  start: number,
  headers: Readonly<Record<string, string>>,
): { body: Buffer; end: number } {
  if (headers['transfer-encoding'] === 'chunked') return readChunks(bytes, start);
  const length = Number(headers['content-length']);
  if (!Number.isInteger(length)) throw new Error(`an answer without a length: ${show(bytes)}`);
  if (bytes.length < start + length) throw new CutShort(`an answer that was cut: ${show(bytes)}`);
  return { body: bytes.subarray(start, start + length), end: start + length };
}

function readChunks(bytes: Buffer, start: number): { body: Buffer; end: number } {
  const pieces: Buffer[] = [];
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (lineEnd === -1) throw new CutShort('a chunk without a length');
    if (!Number.isInteger(size)) throw new Error(`no chunk: ${show(bytes.subarray(at))}`);
    const end = lineEnd + 2 + size + 2;
    if (bytes.length < end) throw new CutShort(`a chunk that was cut: ${show(bytes.subarray(at))}`);
    pieces.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    if (size === 0) return { body: Buffer.concat(pieces), end };
    at = end;
  }
}

function show(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1', 0, 500));
}
