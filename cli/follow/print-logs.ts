// What a run has written so far, exactly: it comes over the watch connection, as JSON can't carry arbitrary bytes,
// and ends where the logs ended when we asked.
import type { StreamName } from '../../shared/output-frame.ts';
import type { Context } from '../context.ts';
import { writeOut } from '../view/terminal.ts';

export interface PrintLogsOptions {
  tailLines?: number | undefined;
  only?: StreamName | undefined;
}

/** `id` is a full id: a name could mean another run in the second request. */
export async function printLogs(
  context: Context,
  id: string,
  { tailLines, only }: PrintLogsOptions,
): Promise<void> {
  const runner = await context.runner();
  const { offsets: ends } = await runner.logs(id, { tail: 0 });
  const open = new Set(
    (['stdout', 'stderr'] as const).filter((stream) => ends[stream] > 0 && tailLines !== 0),
  );
  if (open.size === 0) return;
  for await (const item of runner.watch(id, { tailLines, reuseMemory: true })) {
    if (item.type === 'end') return;
    if (item.type === 'gap') open.delete(item.stream);
    if (item.type === 'output' && open.has(item.stream)) {
      const { stream, offset } = item;
      const data = item.data.subarray(0, Math.max(0, ends[stream] - offset));
      if (only === undefined || only === stream) await writeOut(context.terminal[stream], data);
      if (offset + item.data.length >= ends[stream]) open.delete(stream);
    }
    if (open.size === 0) return;
  }
}
