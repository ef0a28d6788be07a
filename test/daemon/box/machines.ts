// Machines, policies and workloads for the tests of the plan.
import type { PlanDevice, PlanPolicy, PlanTicket, PlanView } from '../../../daemon/box/plan/types.ts';

export const HOUR_MS = 3_600_000;

export function machine(count: number, type = 'a100', memoryMb = 40_960): PlanDevice[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `gpu${index}`,
    type,
    memoryMb,
    state: { kind: 'free' },
  }));
}

export function policy(changes: Partial<PlanPolicy> = {}): PlanPolicy {
  return {
    defaultTimeMs: 24 * HOUR_MS,
    maxTimeMs: null,
    patienceMs: 7 * 24 * HOUR_MS,
    everyone: { maxDevices: null, maxRuns: null },
    limits: new Map(),
    bands: new Map(),
    ...changes,
  };
}

export function ticket(run: string, changes: Partial<PlanTicket> = {}): PlanTicket {
  return {
    run,
    member: 1000,
    gpus: 1,
    type: null,
    timeMs: HOUR_MS,
    priority: 0,
    seniorityMs: 0,
    daemonAlive: true,
    isPrepared: true,
    passedOver: false,
    ...changes,
  };
}

export function view(changes: Partial<PlanView> = {}): PlanView {
  return {
    devices: machine(4),
    tickets: [],
    policy: policy(),
    usage: new Map(),
    reservation: null,
    ...changes,
  };
}
