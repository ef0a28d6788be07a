// Follows one run to its end: its output to our stdout and stderr byte by byte, our own words to stderr only.
// An interrupt ends the following, never the run.
import type { LocalRunner } from '../../shared/client/local-runner.ts';
import type { WatchOptions } from '../../shared/client/watch.ts';
import type { StreamName } from '../../shared/output-frame.ts';
import type { Run } from '../../shared/schemas/run.ts';
import type { Context } from '../context.ts';
import { watchItemToJson } from '../view/json.ts';
import { shortId } from '../view/run-words.ts';
import { writeOut } from '../view/terminal.ts';
import { Talk } from './talk.ts';

export const INTERRUPTED_EXIT_CODE = 130;

export interface FollowOptions {
  tailLines?: number | undefined;
  /** Only this stream's output; both by default. */
  only?: StreamName | undefined;
  /** One JSON value a line on stdout instead of the output itself. */
  json?: boolean;
  /** `logs -f`: no talk about the run's status, no summary. */
  outputOnly?: boolean;
}

/** Resolves to the run as it ended, or to null when the user interrupted. */
export async function follow(
  context: Context,
  run: Pick<Run, 'id'>,
  options: FollowOptions = {},
): Promise<Run | null> {
  const runner = await context.runner();
  const controller = new AbortController();
  const talk = new Talk(context, options.outputOnly === true);
  let ignore: () => void = () => undefined;
  const interrupted = new Promise<null>((resolve) => {
    ignore = context.onInterrupt(() => {
      controller.abort();
      talk.say(`run ${shortId(run.id)} goes on; to end it: qwex cancel ${shortId(run.id)}`);
      context.exitCode = INTERRUPTED_EXIT_CODE;
      resolve(null);
    });
  });
  const watched = relay({ context, runner, id: run.id, talk }, { ...options, signal: controller.signal });
  try {
    return await Promise.race([watched, interrupted]);
  } finally {
    ignore();
  }
}

interface Relay {
  context: Context;
  runner: LocalRunner;
  id: string;
  talk: Talk;
}

async function relay(
  { context, runner, id, talk }: Relay,
  options: FollowOptions & WatchOptions,
): Promise<Run | null> {
  const { terminal } = context;
  const { tailLines, signal } = options;
  for await (const item of runner.watch(id, { tailLines, signal, reuseMemory: true })) {
    if (item.type === 'output' && options.only !== undefined && item.stream !== options.only) continue;
    if (options.json) {
      const line = JSON.stringify({ schema_version: 1, data: watchItemToJson(item) });
      await writeOut(terminal.stdout, Buffer.from(`${line}\n`));
    } else if (item.type === 'output') {
      const stream = item.stream === 'stdout' ? terminal.stdout : terminal.stderr;
      talk.lastByte = item.data.at(-1);
      await writeOut(stream, item.data);
    } else {
      talk.about(item);
    }
    if (item.type === 'end') return item.run;
  }
  return null;
}
