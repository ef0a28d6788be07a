// One look at all files of a box, and what it means: the view that a decision is made from. Reads only.
import { lstatSync } from 'node:fs';
import { currentBootId } from '../supervisor/boot.ts';
import type { BoxConfig } from './config.ts';
import { Daemons, type Presence } from './files/daemons.ts';
import { type Lease, Leases, MAX_CLAIM_MS } from './files/leases.ts';
import { LockTable } from './files/locks.ts';
import { Notes, type SignedNote, type StrangerNote, standingReservation } from './files/notes.ts';
import type { BoxPlaces } from './files/places.ts';
import type { Ignored } from './files/read-file.ts';
import { type Ticket, Tickets } from './files/tickets.ts';
import { Usage, type UsageFile, usageOf, weighedUse } from './files/usage.ts';
import type { DeviceState, PlanTicket, PlanView } from './plan/types.ts';
import { findOfRun, isLiving, type ProcessFacts, readProcess } from './processes.ts';
import { STRANGER_MS } from './seen-strangers.ts';

/** How long a daemon that was called may take to answer. */
export const ANSWER_MS = 2000;

export class BoxFolders {
  readonly places: BoxPlaces;
  readonly locks = new LockTable();
  readonly tickets: Tickets;
  readonly leases: Leases;
  readonly daemons: Daemons;
  readonly notes: Notes;
  readonly usage: Usage;

  constructor(places: BoxPlaces) {
    this.places = places;
    this.tickets = new Tickets(places);
    this.leases = new Leases(places);
    this.daemons = new Daemons(places);
    this.notes = new Notes(places);
    this.usage = new Usage(places);
  }
}

export interface Survey {
  view: PlanView;
  nowMs: number;
  /** Tickets of runs that hold nothing yet. */
  tickets: Ticket[];
  leases: Lease[];
  /** Device → the lease that speaks for it, while it is held. */
  holders: ReadonlyMap<string, Lease | null>;
  /** Devices whose lock is held. */
  locked: ReadonlySet<string>;
  /** Run → somebody of it who lives and holds no lock, though the run's devices are taken for held by that. */
  strays: ReadonlyMap<string, ProcessFacts>;
  daemons: Presence[];
  notes: SignedNote[];
  usageFiles: UsageFile[];
  ignored: Ignored[];
}

export interface SurveyOptions {
  folders: BoxFolders;
  config: BoxConfig;
  nowMs: number;
  /** What this daemon has seen itself. */
  strangers: readonly StrangerNote[];
  /** Runs whose turn came and that were not seen to take it, by this daemon's own watch. */
  isLate: (ticket: Ticket) => boolean;
}

export async function surveyBox(options: SurveyOptions): Promise<Survey> {
  const { folders, config, nowMs } = options;
  const bootId = await currentBootId();
  // The kernel takes its time for the locks: meanwhile the files are read.
  const [locked, read] = await Promise.all([lockedDevices(options), readFiles(folders, bootId)]);
  const { leases } = read.leases;
  const { daemons } = read.daemons;
  const { holders, strays } = findHolders(options, { leases, daemons, locked, bootId });
  const running = new Set([...holders.values()].map((lease) => `${lease?.member} ${lease?.run}`));
  const tickets = read.tickets.tickets.filter(({ run, member }) => !running.has(`${member} ${run}`));
  const strangers = standingStrangers(options, read.notes.notes);
  const view: PlanView = {
    devices: config.file.devices.map(({ id, type, memory_mb, drained }) => ({
      ...{ id, type, memoryMb: memory_mb },
      state: hasLockFile(folders.places, id)
        ? stateOf({ id, drained, holders, strangers, config })
        : { kind: 'drained', why: 'its lock file is missing' },
    })),
    tickets: tickets.map(planTicketOf(daemons, options)),
    policy: config.policy,
    usage: usageByMember({ ...options, leases, holders, tickets, files: read.usage.files }),
    reservation: standingReservation(read.notes.notes, new Set(tickets.map(({ run }) => run))),
  };
  const ignored = Object.values(read).flatMap((folder) => folder.ignored);
  return {
    ...{ view, nowMs, tickets, leases, holders, locked, strays, daemons, ignored },
    notes: read.notes.notes,
    usageFiles: read.usage.files,
  };
}

async function readFiles(folders: BoxFolders, bootId: string) {
  return {
    tickets: folders.tickets.read(),
    leases: folders.leases.read(),
    notes: folders.notes.read(),
    usage: folders.usage.read(),
    daemons: folders.daemons.read(bootId),
  };
}

async function lockedDevices({ folders, config }: SurveyOptions): Promise<Set<string>> {
  const ids = config.file.devices.map(({ id }) => id);
  const held = await folders.locks.held(ids.map((id) => folders.places.deviceLock(id)));
  return new Set(ids.filter((id) => held.has(folders.places.deviceLock(id))));
}

/** Every held device, and the lease that speaks for it, null when none does; and whoever holds one without its lock. */
function findHolders(
  { config, nowMs }: SurveyOptions,
  {
    leases,
    daemons,
    locked,
    bootId,
  }: {
    leases: readonly Lease[];
    daemons: readonly Presence[];
    locked: ReadonlySet<string>;
    bootId: string;
  },
): Pick<Survey, 'holders' | 'strays'> {
  const open = leases.filter(
    ({ endedMs, supervisor }) => endedMs === null && (supervisor?.bootId ?? bootId) === bootId,
  );
  const holders = new Map<string, Lease | null>();
  const strays = new Map<string, ProcessFacts>();
  const strayOf = strayFinder();
  for (const { id } of config.file.devices) {
    const candidates = open.filter(({ devices }) => devices.includes(id));
    if (locked.has(id)) {
      holders.set(id, speaker(candidates, bootId));
      continue;
    }
    // The lock is free. A claim may be about to take it; what closed its descriptors may still be using the device.
    const lease =
      candidates.find((candidate) => isClaim(candidate, daemons, nowMs)) ?? candidates.find(strayOf);
    if (lease === undefined) continue;
    holders.set(id, lease);
    const stray = lease.supervisor === null ? undefined : strayOf(lease);
    if (stray !== undefined) strays.set(lease.run, stray);
  }
  return { holders, strays };
}

/** Somebody of a run who lives. A look through all processes, so it is asked once for each lease. */
function strayFinder(): (lease: Lease) => ProcessFacts | undefined {
  const known = new Map<Lease, ProcessFacts | undefined>();
  return (lease) => {
    const { run, supervisor, member } = lease;
    if (supervisor !== null && !known.has(lease)) known.set(lease, findOfRun(run, supervisor, member));
    return known.get(lease);
  };
}

/** Of several that claim a held device, the one with a living supervisor of its owner; else the oldest. */
function speaker(candidates: readonly Lease[], bootId: string): Lease | null {
  const byAge = [...candidates].sort((a, b) => a.sinceMs - b.sinceMs);
  if (byAge.length < 2) return byAge[0] ?? null;
  for (const lease of byAge) {
    const { supervisor, member } = lease;
    if (supervisor === null || readProcess(supervisor.pid)?.uid !== member) continue;
    if (isLiving(supervisor, bootId)) return lease;
  }
  return byAge[0] ?? null;
}

/** Only as long as the very daemon lives that made it: the one that comes after it, under the same key, doesn't know of it. */
function isClaim(
  { daemon, supervisor, claimUntilMs, sinceMs, member }: Lease,
  daemons: readonly Presence[],
  nowMs: number,
) {
  if (supervisor !== null || Math.min(claimUntilMs, sinceMs + MAX_CLAIM_MS) <= nowMs) return false;
  const owner = daemons.find(({ key }) => key === daemon);
  return owner?.member === member && owner.isAlive && owner.sinceMs <= sinceMs;
}

function stateOf({
  id,
  drained,
  holders,
  strangers,
  config,
}: {
  id: string;
  drained: string | undefined;
  holders: ReadonlyMap<string, Lease | null>;
  strangers: ReadonlyMap<string, StrangerNote>;
  config: BoxConfig;
}): DeviceState {
  if (drained !== undefined) return { kind: 'drained', why: drained };
  const lease = holders.get(id);
  if (lease === null) return { kind: 'leased', run: null, member: null, sinceMs: 0, untilMs: null };
  if (lease !== undefined) {
    const { run, member, sinceMs } = lease;
    return { kind: 'leased', run, member, sinceMs, untilMs: endOf(lease, config) };
  }
  const stranger = strangers.get(id);
  return stranger === undefined ? { kind: 'free' } : { kind: 'stranger', who: stranger.words };
}

/** When a lease ends by its time limit, or by the box's default. */
export function endOf({ sinceMs, timeMs }: Lease, { policy }: BoxConfig): number {
  return sinceMs + Math.min(timeMs ?? policy.defaultTimeMs, policy.maxTimeMs ?? Number.POSITIVE_INFINITY);
}

function planTicketOf(
  daemons: readonly Presence[],
  { nowMs, isLate }: SurveyOptions,
): (ticket: Ticket) => PlanTicket {
  const byKey = new Map(daemons.map((daemon) => [daemon.key, daemon]));
  return (ticket) => {
    const { run, member, gpus, type, timeMs, priority, seniorityMs, prepared } = ticket;
    const named = byKey.get(ticket.daemon);
    const daemon = named?.member === member ? named : undefined;
    return {
      ...{ run, member, gpus, type, timeMs, priority, seniorityMs, isPrepared: prepared },
      daemonAlive: daemon?.isAlive === true,
      passedOver: (daemon !== undefined && isSilent(daemon, ticket, nowMs)) || isLate(ticket),
    };
  };
}

/** Called, and neither answered nor renewed its ticket in time. All daemons see the same times, which only its owner could change. */
function isSilent({ wokenMs, answeredMs }: Presence, { renewedMs }: Ticket, nowMs: number): boolean {
  if (wokenMs === null || answeredMs >= wokenMs) return false;
  return nowMs - wokenMs >= ANSWER_MS && renewedMs < wokenMs;
}

/** Own sightings, and those of others that can be verified: the process is there. */
function standingStrangers(
  { strangers, nowMs, config }: SurveyOptions,
  notes: readonly SignedNote[],
): Map<string, StrangerNote> {
  const told = notes
    .flatMap((note) => note.strangers)
    .filter(({ pid, seenMs }) => pid !== null && seenMs <= nowMs && readProcess(pid) !== undefined);
  const known = new Set(config.file.devices.map(({ id }) => id));
  const fresh = [...told, ...strangers].filter(
    ({ device, seenMs }) => known.has(device) && nowMs - seenMs < STRANGER_MS,
  );
  return new Map(fresh.sort((a, b) => a.seenMs - b.seenMs).map((note) => [note.device, note]));
}

interface UsageInputs extends SurveyOptions {
  leases: readonly Lease[];
  holders: ReadonlyMap<string, Lease | null>;
  tickets: readonly Ticket[];
  files: readonly UsageFile[];
}

/** The larger of claim and witness, what is being used now, and what has ended and isn't in anyone's file yet. */
function usageByMember({ config, nowMs, leases, holders, tickets, files }: UsageInputs): Map<number, number> {
  const { halfLifeMs } = config;
  const usage = new Map<number, number>();
  const add = (member: number, amount: number): void =>
    void usage.set(member, (usage.get(member) ?? 0) + amount);
  // Nobody can have used more than there is.
  const most = (config.file.devices.length * halfLifeMs) / Math.LN2 / 1000;
  for (const member of new Set([...tickets, ...leases, ...files].map((owned) => owned.member))) {
    const { claimed, witnessed } = usageOf(member, files, { nowMs, halfLifeMs });
    add(member, Math.min(most, Math.max(claimed, witnessed)));
  }
  for (const lease of holders.values()) {
    if (lease !== null)
      add(lease.member, weighedUse({ devices: 1, startMs: lease.sinceMs, endMs: nowMs }, nowMs, halfLifeMs));
  }
  const counted = new Set(files.flatMap((file) => file.counted.map((run) => `${file.member} ${run}`)));
  for (const { run, member, endedMs, sinceMs, devices } of leases) {
    if (endedMs === null || counted.has(`${member} ${run}`)) continue;
    const endMs = Math.min(endedMs, nowMs);
    add(member, weighedUse({ devices: devices.length, startMs: sinceMs, endMs }, nowMs, halfLifeMs));
  }
  return usage;
}

/** False for a device whose lock file has gone: it can't be given to anyone. */
function hasLockFile(places: BoxPlaces, device: string): boolean {
  return lstatSync(places.deviceLock(device), { throwIfNoEntry: false })?.isFile() === true;
}
