// qwex diff: what is different between two runs, code included.
import type { Command } from 'commander';
import { LOCAL_API } from '../../shared/api.ts';
import type { DiffResponse } from '../../shared/schemas/local.ts';
import type { Context } from '../context.ts';
import { printable, quotePath } from '../view/quote.ts';
import { nameOf } from '../view/run-words.ts';
import type { Style } from '../view/style.ts';

export function register(program: Command, context: Context): Command {
  return program
    .command('diff')
    .summary('what differs between two runs')
    .description('Shows what differs between two runs: command, resources and the like, then the code.')
    .argument('<a>', 'the first run')
    .argument('<b>', 'the second run')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  qwex diff @~1 @\n  qwex diff good bad | less')
    .action((a: string, b: string, { json }: { json?: boolean }) =>
      diff(context, { a, b, json: json === true }),
    );
}

interface Diff {
  a: string;
  b: string;
  json: boolean;
}

async function diff(context: Context, { a, b, json }: Diff): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner();
  const answer = await runner.request<DiffResponse>(LOCAL_API.diff, { query: { a, b } });
  if (json) return terminal.printJson(answer);
  terminal.print(formatDiff(answer, terminal.style));
  if (answer.truncated) {
    const { a: first, b: second } = answer;
    terminal.note(
      `the code's difference is cut; all of it: git -C ${quotePath(first.root)} diff ${first.source.sha} ${second.source.sha}`,
    );
  }
}

/** Fields as lines of - and +, then git's patch. */
export function formatDiff({ a, b, fields, patch }: DiffResponse, style: Style): string {
  const heads = [style.bold(`- run ${nameOf(a)}`), style.bold(`+ run ${nameOf(b)}`)];
  const rows = fields.flatMap((field) => [
    field.name,
    ...(field.a === null ? [] : [style.red(`- ${printable(field.a)}`)]),
    ...(field.b === null ? [] : [style.green(`+ ${printable(field.b)}`)]),
  ]);
  const same = fields.length === 0 && patch === '' ? ['no difference: the same job'] : [];
  const code =
    patch === ''
      ? []
      : [
          '',
          ...patch
            .trimEnd()
            .split('\n')
            .map((line) => paintPatch(line, style)),
        ];
  return [...heads, ...rows, ...same, ...code].join('\n');
}

function paintPatch(line: string, style: Style): string {
  if (/^(?:diff |index |---|\+\+\+)/.test(line)) return style.bold(line);
  if (line.startsWith('@@')) return style.cyan(line);
  if (line.startsWith('+')) return style.green(line);
  return line.startsWith('-') ? style.red(line) : line;
}
