// The end of `run -f`, `batch` and `watch`: the run's own exit code becomes ours.
import type { Run } from '../../shared/schemas/run.ts';
import type { Context } from '../context.ts';
import { exitCodeOf } from '../view/run-words.ts';
import { type FollowOptions, follow } from './follow.ts';

export async function followToExit(
  context: Context,
  run: Pick<Run, 'id'>,
  options: FollowOptions,
): Promise<void> {
  const ended = await follow(context, run, options);
  if (ended !== null) context.exitCode = exitCodeOf(ended);
}
