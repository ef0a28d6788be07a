// What run and batch do: submit what words and options say, tell about it, follow it if asked.
import type { Command } from 'commander';
import { QwexError } from '../shared/errors.ts';
import type { LocalSubmitResponse } from '../shared/schemas/local.ts';
import type { Context } from './context.ts';
import { misplacedOptions } from './input/misplaced.ts';
import { buildSubmitRequest, type SubmitOptions } from './input/submit-options.ts';
import { showDryRun, showNotices, showSubmitted } from './view/submitted.ts';

export interface Submission {
  command: Command;
  words: string[];
  options: SubmitOptions;
}

/** Submits what the words and options say, and tells about it. */
export async function submit(
  context: Context,
  { command, words, options }: Submission,
): Promise<LocalSubmitResponse> {
  checkCombination(words, options);
  const commands = options.each ? await readLines(context, options.each) : words.length > 0 ? [words] : [];
  const request = await buildSubmitRequest(commands, options, context);
  const runner = await context.runner();
  const response = await runner.submitFrom(request);
  const ours = command.options.flatMap(({ long, required }) =>
    long ? [{ long, takesValue: required }] : [],
  );
  const hints = misplacedOptions(words, ours).map((message) => ({ level: 'hint' as const, message }));
  showNotices(context.terminal, [...response.notices, ...hints]);
  if (options.dryRun) showDryRun(context.terminal, response, options);
  else if (!options.follow) showSubmitted(context.terminal, response, options);
  return response;
}

/** Follows the one run of an answer and takes over its exit code. */
export async function followSubmitted(
  context: Context,
  { runs: [run] }: LocalSubmitResponse,
  { json = false, dryRun = false }: SubmitOptions,
): Promise<void> {
  if (run === undefined || dryRun) return;
  const { followToExit } = await import('./follow/to-exit.ts');
  await followToExit(context, run, { json });
}

async function readLines(context: Context, file: string): Promise<string[][]> {
  const { readEach } = await import('./input/each.ts');
  return readEach(file, context.stdin);
}

function checkCombination(words: readonly string[], { each, job, follow }: SubmitOptions): void {
  const problem =
    words.length === 0 && each === undefined && job === undefined
      ? ['what should run? No command was given', 'qwex run -- python train.py']
      : each !== undefined && words.length > 0
        ? ['--each and a command were given', 'give one of the two']
        : each !== undefined && follow
          ? ['--each makes many runs, --follow shows one', 'qwex run --each FILE | xargs qwex wait']
          : undefined;
  if (problem !== undefined)
    throw new QwexError({ code: 'usage', message: problem[0] ?? '', hint: problem[1] });
}
