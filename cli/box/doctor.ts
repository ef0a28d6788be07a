// qwex box doctor: what is wrong with the box.
import { LOCAL_API } from '../../shared/api.ts';
import type { BoxDoctorResponse } from '../../shared/box.ts';
import type { Context } from '../context.ts';
import { formatFinding, UNWELL_EXIT_CODE } from '../view/finding.ts';

export async function showFindings(context: Context, { json }: { json?: boolean }): Promise<void> {
  const { terminal } = context;
  const runner = await context.runner();
  const answer = await runner.request<BoxDoctorResponse>(LOCAL_API.boxDoctor);
  if (json) terminal.printJson(answer);
  else {
    const lines = answer.findings.map(({ level: state, message, hint }) =>
      formatFinding({ state, message, hint: hint ?? undefined }, terminal.style),
    );
    terminal.print(lines.join('\n'));
  }
  if (answer.findings.some(({ level }) => level === 'error')) context.exitCode = UNWELL_EXIT_CODE;
}
