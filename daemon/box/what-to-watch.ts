// What has to be heard of until the next decision, as long as runs of ours wait. Pure.
import type { Round } from './decider.ts';
import type { BoxPlaces } from './files/places.ts';
import { planBox } from './plan/plan.ts';
import { STRANGER_MS } from './seen-strangers.ts';
import { ANSWER_MS } from './survey.ts';
import type { LifeTarget } from './watches.ts';

interface Question {
  round: Round;
  isOurs: (run: string) => boolean;
  places: BoxPlaces;
  key: string;
}

/** The holders of devices, and the daemons: one that dies before us in the line lets us go first. */
export function lifeTargets({ round, isOurs, places, key }: Question): Map<string, LifeTarget> {
  const targets = new Map<string, LifeTarget>();
  const { survey, decision } = round;
  if (!decision.waiting.some(({ run }) => isOurs(run))) return targets;
  for (const [device, lease] of survey.holders) {
    const life = lease?.lifePath ?? null;
    // What has closed its descriptors leaves the lock free: that isn't an end to wait for, but its own is.
    const lock = survey.locked.has(device) ? places.deviceLock(device) : null;
    const process = survey.strays.get(lease?.run ?? '') ?? null;
    targets.set(lease?.run ?? device, { life, lock, process });
  }
  for (const daemon of survey.daemons) {
    if (daemon.isAlive && daemon.key !== key) {
      targets.set(daemon.key, { life: places.daemonLife(daemon.key), lock: null, process: null });
    }
  }
  return targets;
}

/** In ms; null when only events can change anything for us. */
export function deadlineOf({ round, isOurs }: Question): number | null {
  const { survey, decision } = round;
  if (!decision.waiting.some(({ run }) => isOurs(run))) return null;
  const delays: number[] = [];
  const isOthersTurn = decision.grants.some(({ run }) => !isOurs(run));
  const isClaimed = [...survey.holders.values()].some((lease) => lease?.supervisor === null);
  if (isOthersTurn || isClaimed) delays.push(ANSWER_MS);
  if (survey.view.devices.some(({ state }) => state.kind === 'stranger')) delays.push(STRANGER_MS);
  return delays.length === 0 ? null : Math.min(...delays);
}

/**
 * True when a run of ours starts now that this one is gone, the first in line or one that fits beside it. `gone`: a run, a
 * device or a daemon, as it was followed.
 */
export function isOursAfter({ survey }: Round, gone: string, isOurs: (run: string) => boolean): boolean {
  const devices = survey.view.devices.map((device) => {
    const isFreed = device.id === gone || survey.holders.get(device.id)?.run === gone;
    return isFreed && device.state.kind === 'leased'
      ? { ...device, state: { kind: 'free' as const } }
      : device;
  });
  const dead = new Set(survey.tickets.filter(({ daemon }) => daemon === gone).map(({ run }) => run));
  const tickets = survey.view.tickets.map((ticket) =>
    dead.has(ticket.run) ? { ...ticket, daemonAlive: false } : ticket,
  );
  return planBox({ ...survey.view, devices, tickets }, survey.nowMs).grants.some(({ run }) => isOurs(run));
}

/** True when one of our runs is the first in line, so that a freed device is for us to take at once. */
export function isNextOurs({ decision }: Round, isOurs: (run: string) => boolean): boolean {
  const first = decision.reservation?.run ?? decision.waiting.find(({ position }) => position === 1)?.run;
  return first !== undefined && isOurs(first);
}
