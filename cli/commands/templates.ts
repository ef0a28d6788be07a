// qwex templates: what layers can be made of, here.
import type { Command } from 'commander';
import { LOCAL_API } from '../../shared/api.ts';
import type { TemplatesResponse } from '../../shared/schemas/local.ts';
import type { Context } from '../context.ts';
import { printable } from '../view/quote.ts';
import type { Style } from '../view/style.ts';
import { formatTable } from '../view/table.ts';

export function register(program: Command, context: Context): Command {
  return program
    .command('templates')
    .summary('templates and runners to choose from')
    .description('Lists the templates and runners that can be used here.')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  qwex templates')
    .action(async ({ json }: { json?: boolean }) => {
      const { terminal, cwd } = context;
      const runner = await context.runner();
      const answer = await runner.request<TemplatesResponse>(LOCAL_API.templates, { query: { cwd } });
      if (json) terminal.printJson(answer);
      else terminal.print(formatTemplates(answer, terminal.style, terminal.width));
    });
}

function formatTemplates(answer: TemplatesResponse, style: Style, width: number | undefined): string {
  const options = { width, paintTitle: style.dim };
  const templates = formatTable(
    answer.templates,
    [
      { title: 'TEMPLATE', value: ({ name }) => printable(name), paint: style.bold },
      { title: 'FROM', value: ({ origin }) => origin },
      { title: 'WHAT', value: ({ summary }) => printable(summary ?? ''), flexible: true },
      {
        title: 'VARIABLES',
        value: ({ variables }) => printable(variables.map(({ name }) => name).join(' ')),
        flexible: true,
      },
    ],
    options,
  );
  const runners = formatTable(
    answer.runners,
    [
      { title: 'RUNNER', value: ({ name }) => printable(name), paint: style.bold },
      { title: 'LAYERS', value: ({ layers }) => printable(layers.join(', ')), flexible: true },
    ],
    options,
  );
  return [templates, runners].filter((table) => table !== '').join('\n\n');
}
