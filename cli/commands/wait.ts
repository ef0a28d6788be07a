// qwex wait: returns when runs have ended, with the first failure's code.
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { QwexError } from '../../shared/errors.ts';
import type { Context } from '../context.ts';
import { exitCodeOf, shortId } from '../view/run-words.ts';
import { endLine } from '../view/summary.ts';

interface WaitFlags {
  quiet?: boolean;
  json?: boolean;
}

export function register(program: Command, context: Context): Command {
  return program
    .command('wait')
    .summary('wait until runs have ended')
    .description(
      'Waits until all the runs and their retries have ended. Exits with the first failure in the order given.',
    )
    .argument('<id...>', 'runs; - reads ids from stdin')
    .option('-q, --quiet', 'say nothing')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  qwex wait train evaluate\n  qwex run --each sweep.txt | qwex wait -',
    )
    .action((ids: string[], flags: WaitFlags) => wait(context, ids, flags));
}

async function wait(context: Context, ids: string[], { quiet, json }: WaitFlags): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner();
  // All ids are looked up first: a wrong one is told now and not in the morning.
  const runs = await Promise.all((await expandIds(context, ids)).map((id) => runner.get(id)));
  const controller = new AbortController();
  const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<null>();
  const ignore = context.onInterrupt(() => {
    controller.abort();
    interrupt(null);
  });
  const ends = Promise.all(
    runs.map(async ({ id }) => {
      const ended = await runner.wait(id, controller.signal);
      if (!quiet && !json) terminal.note(endLine(ended));
      return ended;
    }),
  );
  try {
    const ended = await Promise.race([ends, interrupted]);
    if (ended === null) {
      const names = runs.map(({ id }) => shortId(id)).join(' ');
      terminal.note(`the runs go on; to end them: qwex cancel ${names}`);
      context.exitCode = 130;
      return;
    }
    if (json) terminal.printJson(ended);
    context.exitCode = ended.map(exitCodeOf).find((code) => code !== 0) ?? 0;
  } finally {
    ignore();
  }
}

async function expandIds(context: Context, ids: readonly string[]): Promise<string[]> {
  if (!ids.includes('-')) return [...ids];
  const piped = (await text(context.stdin())).split(/\s+/).filter((id) => id !== '');
  const all = ids.flatMap((id) => (id === '-' ? piped : [id]));
  if (all.length > 0) return all;
  throw new QwexError({ code: 'usage', message: 'no id came on stdin', hint: 'qwex wait ID…' });
}
