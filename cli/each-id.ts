// One act on several runs: each is tried, one line or JSON item each, the first failure decides the exit code.
import { QwexError } from '../shared/errors.ts';
import type { Run } from '../shared/schemas/run.ts';
import type { Context } from './context.ts';
import { formatError } from './view/errors.ts';

export interface Act {
  ids: readonly string[];
  json: boolean;
  act: (id: string) => Promise<Run>;
  /** What happened, in one line. */
  say: (run: Run) => string;
}

interface Outcome {
  id: string;
  run: Run | null;
  error: { code: string; message: string; hint?: string | undefined } | null;
}

export async function actOnEach(context: Context, { ids, json, act, say }: Act): Promise<void> {
  const { terminal } = context;
  const outcomes: Outcome[] = [];
  for (const id of ids) {
    try {
      const run = await act(id);
      outcomes.push({ id, run, error: null });
      if (!json) terminal.print(say(run));
    } catch (error) {
      if (!(error instanceof QwexError)) throw error;
      const { code, message, hint } = error;
      outcomes.push({ id, run: null, error: { code, message, hint } });
      if (context.exitCode === 0) context.exitCode = error.exitCode;
      if (!json) terminal.note(formatError(error, terminal));
      // Nobody answers: the next one would only wait for the same.
      if (code === 'unreachable') break;
    }
  }
  if (json) terminal.printJson(outcomes);
}
