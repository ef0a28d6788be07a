// A waiting run's reason in a sentence: who is in the way, and until when. Pure but for the local time zone.
import { formatDuration } from '../../shared/duration.ts';
import { shortId } from '../../shared/ids.ts';
import type { Blocked, Holder, RefusalReason, WaitReason } from './plan/types.ts';

export interface WordsContext {
  nameOf: (uid: number) => string;
  nowMs: number;
  /** Who reads it: "your run" instead of a name. */
  reader: number;
}

export function waitWords(reason: WaitReason, context: WordsContext): string {
  switch (reason.kind) {
    case 'devices':
      return `first in line; needs ${gpus(reason.needs)}, ${reason.free} free${tail([
        ...holders(reason.holders, context),
        ...reason.blocked.map(blockedWords),
      ])}`;
    case 'behind':
      return `${reason.ahead} ahead, ${whose(reason.first, context)} first; needs ${gpus(reason.needs)}, ${reason.free} free`;
    case 'reserved':
      return `${reason.devices.join(', ')} reserved for ${whose(reason.first, context)} at ${clock(reason.atMs, context.nowMs)}, and this run may take longer than that; a shorter --time could start now`;
    case 'limit':
      return `limit of ${reason.limit} ${reason.what === 'devices' ? 'devices' : 'runs'} for each member: ${reason.used} in use by your runs`;
    case 'blocked':
      return `needs ${gpus(reason.needs)}, only ${reason.usable} can be given out${tail(reason.blocked.map(blockedWords))}`;
    case 'unprepared':
      return 'its turn has come; it starts as soon as its copy of the code is there';
    case 'daemon_gone':
      return 'not in the line: its daemon is not running';
    case 'passed_over':
      return 'passed over for now: its daemon was called and did not take its turn';
    default:
      return reason satisfies never;
  }
}

/** The members that a reason names. */
export function peopleIn(reason: WaitReason): number[] {
  if (reason.kind === 'devices') return reason.holders.flatMap(({ member }) => member ?? []);
  return reason.kind === 'behind' || reason.kind === 'reserved' ? [reason.first.member] : [];
}

export function refusalWords(reason: RefusalReason): string {
  switch (reason.kind) {
    case 'too_many':
      return `asks for ${gpus(reason.asked, reason.type)}; this machine has ${reason.exist}`;
    case 'no_such_type':
      return `asks for type ${reason.type}; this machine has ${reason.types.join(', ') || 'no devices'}`;
    case 'over_limit':
      return `asks for ${gpus(reason.asked)}; the box gives a member ${reason.limit} at most`;
    case 'too_long':
      return `asks for ${formatDuration(reason.askedMs)}; the box allows ${formatDuration(reason.maxMs)} at most`;
    default:
      return reason satisfies never;
  }
}

/** `14:20`, with the day when that isn't obvious. */
export function clock(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const two = (number: number): string => String(number).padStart(2, '0');
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (Math.abs(atMs - nowMs) < 18 * 3_600_000) return time;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

function holders(all: readonly Holder[], context: WordsContext): string[] {
  // One run may hold many.
  const devices = new Map<string, string[]>();
  for (const { device, run, member, untilMs } of all) {
    const until = untilMs === null ? '' : `, until ${clock(untilMs, context.nowMs)} at most`;
    const who =
      member === null || run === null
        ? 'somebody who left no word'
        : `${whose({ run, member }, context)}${until}`;
    devices.set(who, [...(devices.get(who) ?? []), device]);
  }
  return [...devices].map(([who, held]) => `${held.join(', ')} held by ${who}`);
}

function blockedWords({ device, kind, words }: Blocked): string {
  if (kind === 'stranger') return `${device}: ${words}`;
  return words === null || words === '' ? `${device} is drained` : `${device} is drained: ${words}`;
}

function whose({ run, member }: { run: string; member: number }, { nameOf, reader }: WordsContext): string {
  return `${member === reader ? 'your' : `${nameOf(member)}'s`} run ${shortId(run)}`;
}

function gpus(count: number, type: string | null = null): string {
  return `${count} ${type === null ? '' : `${type} `}GPU${count === 1 ? '' : 's'}`;
}

function tail(parts: readonly string[]): string {
  return parts.length === 0 ? '' : `: ${parts.join('; ')}`;
}
