// What `qwex box` shows: each device with its holder, and the line with its reasons. Decides nothing.
import type { BoxDeviceStatus, BoxLineEntry, BoxStatus } from '../../shared/box.ts';
import { messageOf, QwexError } from '../../shared/errors.ts';
import type { Box } from './box.ts';
import { NOT_SHOWN, observationOf } from './device-check.ts';
import type { Observation, Observations } from './devices/source.ts';
import { findStranger } from './devices/strangers.ts';
import type { Decision, PlanDevice } from './plan/types.ts';
import { endOf, type Survey } from './survey.ts';
import { refusalWords, waitWords } from './words.ts';

/** A lease that does nothing for so long is pointed out. */
const IDLE_AFTER_MS = 10 * 60_000;
const IDLE_MEMORY_MB = 500;

export async function boxStatus(box: Box, { shared }: { shared: boolean }): Promise<BoxStatus> {
  const [{ survey, decision }, { observations, problem }] = await Promise.all([box.look(), observe(box)]);
  const devices = await Promise.all(
    survey.view.devices.map((device) => deviceStatus(device, { box, survey, observations })),
  );
  const problems = [
    ...(problem === null ? [] : [problem]),
    ...survey.ignored.map(({ path, why }) => `${path} is ignored: ${why}`),
  ];
  return { path: box.root, shared, devices, line: lineOf(box, survey, decision), problems };
}

/** What people see of the devices must not fail with the driver. */
async function observe(box: Box): Promise<{ observations: Observations | null; problem: string | null }> {
  try {
    return { observations: await box.source.observe(), problem: null };
  } catch (error) {
    if (!(error instanceof QwexError)) throw error;
    return { observations: null, problem: messageOf(error) };
  }
}

async function deviceStatus(
  device: PlanDevice,
  { box, survey, observations }: { box: Box; survey: Survey; observations: Observations | null },
): Promise<BoxDeviceStatus> {
  const { id, type, memoryMb, state } = device;
  const { file } = box.config;
  const observation = observations === null ? undefined : observationOf(id, file, observations);
  const lease = survey.holders.get(id);
  const isHeld = lease !== undefined;
  const stranger = observation === undefined ? null : await strangerOn(box, observation, survey, id);
  const isMissing = observation === undefined && observations !== null && file.source !== 'declared';
  return {
    ...{ id, type },
    uuid: file.devices.find((candidate) => candidate.id === id)?.uuid ?? null,
    memoryMb: observation?.memoryMb ?? memoryMb,
    memoryUsedMb: observation?.memoryUsedMb ?? null,
    utilizationPercent: observation?.utilizationPercent ?? null,
    state: shownState({ state, isHeld, isMissing, hasStranger: stranger !== null }),
    member: lease ? box.accounts.nameOf(lease.member) : null,
    run: lease?.run ?? null,
    sinceMs: lease?.sinceMs ?? null,
    untilMs: lease ? endOf(lease, box.config) : null,
    note: noteOf({
      ...{ state, stranger, isMissing },
      isUnknown: lease === null,
      idle: isIdle(survey, id, observation),
    }),
  };
}

function shownState({
  state,
  isHeld,
  isMissing,
  hasStranger,
}: {
  state: PlanDevice['state'];
  isHeld: boolean;
  isMissing: boolean;
  hasStranger: boolean;
}): BoxDeviceStatus['state'] {
  if (isHeld) return 'leased';
  if (state.kind === 'drained') return 'drained';
  if (isMissing) return 'missing';
  return hasStranger ? 'stranger' : state.kind;
}

async function strangerOn(
  box: Box,
  observation: Observation,
  survey: Survey,
  id: string,
): Promise<string | null> {
  const { policy } = box.config.file;
  const lease = survey.holders.get(id);
  // Held by somebody unknown: whoever is on it may well be the holder.
  if (lease === null) return null;
  const holders = lease?.supervisor ? [{ session: lease.supervisor.pid, member: lease.member }] : [];
  const rules = { thresholdMb: policy.stranger_memory_mb, ignore: policy.ignore };
  return (await findStranger(observation, { rules, holders, accounts: box.accounts }))?.words ?? null;
}

function noteOf({
  state,
  isMissing,
  isUnknown,
  stranger,
  idle,
}: {
  state: PlanDevice['state'];
  isMissing: boolean;
  isUnknown: boolean;
  stranger: string | null;
  idle: boolean;
}): string | null {
  if (state.kind === 'drained') return !state.why ? 'drained' : `drained: ${state.why}`;
  if (isMissing) return NOT_SHOWN;
  if (isUnknown) return 'its lock is held by somebody who left no word';
  if (stranger !== null) return stranger;
  if (state.kind === 'stranger') return state.who;
  return idle ? 'held, and not used' : null;
}

function isIdle({ holders, nowMs }: Survey, id: string, observation: Observation | undefined): boolean {
  const lease = holders.get(id);
  if (!lease || observation === undefined || nowMs - lease.sinceMs < IDLE_AFTER_MS) return false;
  const { utilizationPercent, memoryUsedMb, processes } = observation;
  return utilizationPercent === 0 && (memoryUsedMb ?? 0) < IDLE_MEMORY_MB && processes.length === 0;
}

function lineOf(box: Box, survey: Survey, decision: Decision): BoxLineEntry[] {
  const tickets = new Map(survey.tickets.map((ticket) => [ticket.run, ticket]));
  const nameOf = (uid: number) => box.accounts.nameOf(uid);
  const entry = (
    run: string,
    rest: Pick<BoxLineEntry, 'position' | 'expectedMs' | 'reason'>,
  ): BoxLineEntry[] => {
    const ticket = tickets.get(run);
    if (ticket === undefined) return [];
    const { gpus, type, member } = ticket;
    return [{ ...rest, run, gpus, type, member: nameOf(member) }];
  };
  return [
    ...decision.grants.flatMap(({ run }) =>
      entry(run, { position: null, expectedMs: survey.nowMs, reason: 'starts now' }),
    ),
    ...decision.waiting.flatMap(({ run, position, reason }) => {
      const expectedMs = decision.expectedStarts().get(run) ?? null;
      const words = waitWords(reason, { nameOf, nowMs: survey.nowMs, reader: box.member });
      return entry(run, { position, expectedMs, reason: words });
    }),
    ...decision.refusals.flatMap(({ run, reason }) =>
      entry(run, { position: null, expectedMs: null, reason: refusalWords(reason) }),
    ),
  ];
}
