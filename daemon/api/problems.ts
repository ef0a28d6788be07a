// Errors as application/problem+json (RFC 9457). An error that isn't ours is a bug: logged whole under an id, and only
// the id is shown.
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { v4 as uuidv4 } from 'uuid';
import { isNoSpace, messageOf, QwexError } from '../../shared/errors.ts';
import type { Problem } from '../../shared/schemas/run.ts';

/** Of the line about one field. */
const MOST_CHARACTERS = 500;
const HEADERS = { 'content-type': 'application/problem+json' };

export interface ProblemLog {
  error(fields: object, message: string): void;
}

export function problemOf(error: unknown, log: ProblemLog): Problem {
  const known = error instanceof HTTPException ? fromHttp(error) : error;
  if (known instanceof QwexError) {
    return {
      type: `urn:qwex:error:${known.code}`,
      title: known.code.replaceAll('_', ' '),
      status: known.httpStatus,
      code: known.code,
      detail: known.message,
      ...(known.hint !== undefined && { hint: known.hint }),
      ...(known.details !== undefined && { details: known.details }),
    };
  }
  if (isNoSpace(known)) {
    return problemOf(
      new QwexError({
        code: 'no_space',
        message: `a disk is full, or a quota used up: ${messageOf(known)}`,
        hint: 'make room (qwex gc), then ask again',
      }),
      log,
    );
  }
  const id = uuidv4();
  log.error({ err: error, errorId: id }, 'internal error');
  return {
    type: 'urn:qwex:error:internal',
    title: 'internal',
    status: 500,
    code: 'internal',
    detail: `an internal error happened (${id})`,
    hint: `the daemon's log has the details: qwex daemon logs | grep ${id.slice(0, 8)}`,
  };
}

export function answerProblem(c: Context, problem: Problem): Response {
  return c.body(JSON.stringify(problem), problem.status as 400, HEADERS);
}

/** The same where there is no context to answer in. */
export function problemResponse(problem: Problem): Response {
  return new Response(JSON.stringify(problem), { status: problem.status, headers: HEADERS });
}

/** Whoever asked may ask the next daemon. */
export function daemonStopping(): QwexError {
  return new QwexError({
    code: 'unreachable',
    message: 'the daemon is stopping',
    hint: 'ask again once one is running; runs go on',
    details: { stopping: true },
  });
}

function fromHttp(error: HTTPException): QwexError | HTTPException {
  if (error.status === 413)
    return new QwexError({
      code: 'too_large',
      message: 'the request body is too large',
      hint: 'send fewer runs in one request',
    });
  if (error.status >= 400 && error.status < 500)
    return new QwexError({ code: 'invalid_request', message: error.message || 'the request is malformed' });
  return error;
}

/** A failed validation as one readable line per field, at most ten. */
export function invalidRequest(issues: readonly { path: PropertyKey[]; message: string }[]): QwexError {
  const lines = issues
    .slice(0, 10)
    .map(({ path, message }) => `${path.length === 0 ? 'body' : path.map(String).join('.')}: ${message}`)
    // Keys that nobody knows are named in it, and may be as long as the request was.
    .map((line) =>
      line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS).toWellFormed()}…` : line,
    );
  return new QwexError({
    code: 'invalid_request',
    message: `the request is not valid: ${lines.join('; ')}`,
    details: { fields: lines },
  });
}
