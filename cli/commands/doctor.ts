// qwex doctor: is all here that runs need?
import type { Command } from 'commander';
import { LOCAL_API } from '../../shared/api.ts';
import type { DoctorResponse } from '../../shared/schemas/local.ts';
import type { Context } from '../context.ts';
import { formatFinding, UNWELL_EXIT_CODE } from '../view/finding.ts';

export function register(program: Command, context: Context): Command {
  return program
    .command('doctor')
    .summary('check this machine, home and workspace')
    .description(
      'Checks what runs need on this machine, in the home and in this workspace. Exits with 1 on an error.',
    )
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  qwex doctor')
    .action(async ({ json }: { json?: boolean }) => {
      const { terminal, cwd } = context;
      const runner = await context.runner();
      const answer = await runner.request<DoctorResponse>(LOCAL_API.doctor, { query: { cwd } });
      if (json) terminal.printJson(answer);
      else terminal.print(answer.checks.map((check) => formatFinding(check, terminal.style)).join('\n'));
      if (answer.checks.some(({ state }) => state === 'error')) context.exitCode = UNWELL_EXIT_CODE;
    });
}
