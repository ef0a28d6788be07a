// qwex box report: who used how much.
import { LOCAL_API } from '../../shared/api.ts';
import type { BoxReportResponse } from '../../shared/box.ts';
import { QwexError } from '../../shared/errors.ts';
import type { Context } from '../context.ts';
import { parseSince } from '../input/values.ts';
import { formatReport } from '../view/box-report.ts';

export interface ReportFlags {
  since: string;
  json?: boolean;
}

export async function showReport(context: Context, { since, json }: ReportFlags): Promise<void> {
  const { terminal } = context;
  const now = new Date();
  const sinceMs = Math.max(0, parseSince(since, now).getTime());
  if (sinceMs > now.getTime()) {
    throw new QwexError({
      code: 'usage',
      message: `--since ${since} is still to come`,
      hint: 'as in: --since 7d, --since 2026-01-31',
    });
  }
  const runner = await context.runner();
  const report = await runner.request<BoxReportResponse>(LOCAL_API.boxReport, { query: { sinceMs } });
  if (json) return terminal.printJson(report);
  if (report.members.length === 0) return terminal.note('nobody has used a device in that time');
  terminal.print(formatReport(report, { now, style: terminal.style, width: terminal.width }));
}
