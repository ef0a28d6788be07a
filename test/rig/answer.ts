// An answer of the daemon, and what every refusal must look like.
import type { Problem } from '../../shared/schemas/run.ts';

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  text: string;
}

/** The problem in an answer, checked for its shape; fails on anything else. */
export function problemIn({ status, headers, text }: Answer): Problem {
  if (headers['content-type'] !== 'application/problem+json')
    throw new Error(`${status} ${headers['content-type']}: ${text}`);
  const problem = JSON.parse(text) as Problem;
  const { type, title, code, detail } = problem;
  if (problem.status !== status || type !== `urn:qwex:error:${code}` || title !== code.replaceAll('_', ' '))
    throw new Error(`not a problem: ${text}`);
  if (typeof detail !== 'string' || detail === '') throw new Error(`a problem without a word: ${text}`);
  if (/\n\s+at |\.ts:\d+|node_modules|SqliteError|ZodError/.test(text))
    throw new Error(`a stack trace: ${text}`);
  return problem;
}
