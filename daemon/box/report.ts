// Who used how much since a day: what members claim, beside what the others saw them hold.
import type { BoxReport, BoxReportRow } from '../../shared/box.ts';
import type { Box } from './box.ts';
import { lowerMiddle, perWitness, type Tally, type UsageFile } from './files/usage.ts';
import type { Survey } from './survey.ts';

/** Below this, claim and witness differ because a daemon wasn't there to look. */
const WORTH_A_NOTE = 0.2;
const WORTH_A_NOTE_SECONDS = 600;

/** Whole days (UTC) of runs that have ended, and what is running now. */
export async function boxReport(box: Box, sinceMs: number): Promise<BoxReport> {
  const { survey } = await box.look();
  const members = membersOf(survey);
  await box.accounts.learn([...members]);
  const from = new Date(sinceMs).toISOString().slice(0, 10);
  const hours = (survey.nowMs - Date.parse(from)) / 1000;
  const capacity = Math.max(1, box.config.file.devices.length * hours);
  const rows = [...members].map((member) => rowOf(member, { box, survey, from, capacity }));
  return {
    sinceMs: Date.parse(from),
    untilMs: survey.nowMs,
    members: rows.sort((a, b) => b.deviceSeconds - a.deviceSeconds),
  };
}

function membersOf({ usageFiles, leases, tickets }: Survey): Set<number> {
  const seen = usageFiles.flatMap((file) => Object.keys(file.seen).map(Number));
  return new Set([...usageFiles, ...leases, ...tickets].map(({ member }) => member).concat(seen));
}

function rowOf(
  member: number,
  { box, survey, from, capacity }: { box: Box; survey: Survey; from: string; capacity: number },
): BoxReportRow {
  const claims = survey.usageFiles
    .filter((file) => file.member === member)
    .map(({ claim }) => sumSince(claim, from));
  const running = runningOf(member, survey);
  const uncounted = uncountedOf(member, survey);
  const deviceSeconds =
    total(claims.map((claim) => claim.deviceSeconds)) + running.deviceSeconds + uncounted.deviceSeconds;
  const witnessed = witnessedSince(member, survey.usageFiles, from) + running.deviceSeconds;
  return {
    member: box.accounts.nameOf(member),
    runs: total(claims.map((claim) => claim.runs)) + running.runs + uncounted.runs,
    deviceSeconds,
    share: deviceSeconds / capacity,
    witnessedDeviceSeconds: witnessed,
    decayedDeviceSeconds: survey.view.usage.get(member) ?? 0,
    note: noteOn(deviceSeconds, witnessed),
  };
}

interface Sum {
  deviceSeconds: number;
  runs: number;
}

function sumSince({ days }: Tally, from: string): Sum {
  const chosen = Object.entries(days).filter(([day]) => day >= from);
  return {
    deviceSeconds: total(chosen.map(([, day]) => day.deviceSeconds)),
    runs: total(chosen.map(([, day]) => day.runs)),
  };
}

function runningOf(member: number, { holders, nowMs }: Survey): Sum {
  const leases = [...holders.values()].filter((lease) => lease?.member === member);
  return {
    deviceSeconds: total(leases.map((lease) => (nowMs - (lease?.sinceMs ?? nowMs)) / 1000)),
    runs: new Set(leases.map((lease) => lease?.run)).size,
  };
}

/** Ended, while no daemon of its owner was there to count it. */
function uncountedOf(member: number, { leases, usageFiles, holders }: Survey): Sum {
  const counted = new Set(
    usageFiles.filter((file) => file.member === member).flatMap((file) => file.counted),
  );
  const held = new Set([...holders.values()].map((lease) => lease?.run));
  const open = leases.filter(
    (lease) => lease.member === member && !counted.has(lease.run) && !held.has(lease.run),
  );
  const seconds = open.map(
    ({ devices, endedMs, sinceMs }) => (devices.length * ((endedMs ?? sinceMs) - sinceMs)) / 1000,
  );
  return { deviceSeconds: total(seconds), runs: open.length };
}

function witnessedSince(member: number, files: readonly UsageFile[], from: string): number {
  return lowerMiddle(
    perWitness(member, files).map((tallies) =>
      Math.max(...tallies.map((tally) => sumSince(tally, from).deviceSeconds)),
    ),
  );
}

function noteOn(claimed: number, witnessed: number): string | null {
  const difference = witnessed - claimed;
  if (Math.abs(difference) < Math.max(WORTH_A_NOTE_SECONDS, WORTH_A_NOTE * Math.max(claimed, witnessed)))
    return null;
  return difference > 0
    ? 'others saw more than is claimed: their figure counts'
    : 'others did not see all of this (perhaps no other daemon was running)';
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
