// What can never start on this machine, whoever goes first.
import type { MemberLimits, PlanDevice, PlanPolicy, RefusalReason } from './types.ts';

export interface Request {
  gpus: number;
  type: string | null;
  timeMs: number | null;
}

export function limitsOf(policy: PlanPolicy, member: number): MemberLimits {
  return policy.limits.get(member) ?? policy.everyone;
}

/** `a100` is the same type as `A100`. */
export function isOfType(device: Pick<PlanDevice, 'type'>, type: string | null): boolean {
  return type === null || device.type.toLowerCase() === type.toLowerCase();
}

/** Drained and used devices count: they come back. Null when the request may start one day. */
export function refusalOf(
  request: Request,
  devices: readonly Pick<PlanDevice, 'type'>[],
  { policy, member }: { policy: PlanPolicy; member: number },
): RefusalReason | null {
  const exist = devices.filter((device) => isOfType(device, request.type)).length;
  if (request.type !== null && exist === 0) {
    return { kind: 'no_such_type', type: request.type, types: [...new Set(devices.map(({ type }) => type))] };
  }
  if (request.gpus > exist) return { kind: 'too_many', asked: request.gpus, exist, type: request.type };
  const { maxDevices } = limitsOf(policy, member);
  if (maxDevices !== null && request.gpus > maxDevices) {
    return { kind: 'over_limit', asked: request.gpus, limit: maxDevices };
  }
  if (policy.maxTimeMs !== null && request.timeMs !== null && request.timeMs > policy.maxTimeMs) {
    return { kind: 'too_long', askedMs: request.timeMs, maxMs: policy.maxTimeMs };
  }
  return null;
}

/** The time that a run is planned with. */
export function plannedMs(ticket: Pick<Request, 'timeMs'>, policy: PlanPolicy): number {
  const ms = ticket.timeMs ?? policy.defaultTimeMs;
  return policy.maxTimeMs === null ? ms : Math.min(ms, policy.maxTimeMs);
}
