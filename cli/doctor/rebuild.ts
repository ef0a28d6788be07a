// Has the index made anew. The wish is a file that the next daemon finds, so nothing is lost when somebody else is
// faster to start one, and nothing is done by halves when this command or the daemon dies. Running runs go on.
import { LOCAL_API } from '../../shared/api.ts';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { isErrno, QwexError } from '../../shared/errors.ts';
import type { Rebuilt } from '../../shared/schemas/local.ts';
import type { Context } from '../context.ts';
import { stopAndWait } from '../daemon-control/control.ts';
import { formatRebuilt } from '../view/rebuilt.ts';

export async function rebuild(context: Context, { json }: { json?: boolean }): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner();
  await order(runner.paths.rebuildOrder, runner.paths.home);
  await stopAndWait(runner);
  const rebuilt = await runner.request<Rebuilt>(LOCAL_API.rebuilt);
  if (json) terminal.printJson(rebuilt);
  else terminal.print(formatRebuilt(rebuilt, terminal.style));
}

async function order(file: string, home: string): Promise<void> {
  try {
    await writeAtomically(file, `${Date.now()}\n`, { sync: true });
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    throw new QwexError({
      code: 'not_found',
      message: `there is no qwex home at ${home}, so nothing to rebuild an index from`,
      hint: 'set QWEX_HOME when it is elsewhere',
      cause: error,
    });
  }
}
