// The result of a chaos run for people: a table of columns.
import type { ChaosReport } from './chaos.ts';

export function isClean({ bad }: Pick<ChaosReport, 'bad'>): boolean {
  return Object.values(bad).every((count) => count === 0);
}

export function table(report: ChaosReport): string {
  const { acknowledged, exactlyOnce, rightlyNever, ends, bad, faults, details } = report;
  const shown = details.slice(0, 40);
  return [
    `seed ${report.seed}, ${report.faultCount} faults in ${report.seconds} s`,
    ...rows('faults', faults),
    ...rows('runs', { acknowledged, exactlyOnce, rightlyNever }),
    ...rows('ended with', ends),
    ...rows('must be 0', bad),
    ...(shown.length === 0 ? [] : ['what is wrong', ...shown.map((line) => `  ${line}`)]),
    ...(details.length > shown.length ? [`  … and ${details.length - shown.length} more`] : []),
  ].join('\n');
}

export function rows(title: string, counts: Record<string, number>): string[] {
  return [
    title,
    ...Object.entries(counts).map(([name, count]) => `  ${name.padEnd(36)} ${String(count).padStart(7)}`),
  ];
}
