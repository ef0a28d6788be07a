// One round of deciding, under the arbiter: settle what is over, plan, claim what is ours, call those whose turn it is.
// It acts for this daemon's runs alone; for the others it decides only to know whom to call.
import { QwexError } from '../../shared/errors.ts';
import type { BoxConfig } from './config.ts';
import type { StrangerNote } from './files/notes.ts';
import { LateWatch } from './late.ts';
import { Ledger } from './ledger.ts';
import { planBox } from './plan/plan.ts';
import { type Decision, type Grant, PLAN_VERSION, type Reservation } from './plan/types.ts';
import { type BoxFolders, STRANGER_MS, type Survey, surveyBox } from './survey.ts';

/** A claim without a lock after this is void: starting a supervisor takes a few milliseconds. */
const CLAIM_MS = 2000;
/** And while the driver is being asked about the devices. */
const CHECKED_CLAIM_MS = 10_000;

export interface Round {
  decision: Decision;
  survey: Survey;
  /** Grants of this daemon's runs. */
  mine: Grant[];
}

export class Decider {
  readonly #folders: BoxFolders;
  readonly #key: string;
  readonly #member: number;
  readonly #config: () => BoxConfig;
  readonly #ledger: Ledger;
  readonly #late = new LateWatch();
  #strangers: StrangerNote[] = [];

  constructor({
    folders,
    key,
    member,
    config,
  }: {
    folders: BoxFolders;
    key: string;
    member: number;
    config: () => BoxConfig;
  }) {
    this.#folders = folders;
    this.#key = key;
    this.#member = member;
    this.#config = config;
    this.#ledger = new Ledger({ usage: folders.usage, key, member });
  }

  /** `starting`: runs that have been granted devices and whose supervisors are on their way. */
  async round(starting: ReadonlySet<string>): Promise<Round> {
    assertKnownPlan(this.#config());
    const survey = this.#present(await this.survey());
    this.#settle(survey, starting);
    this.#ledger.witness(survey, this.#config().halfLifeMs);
    const decision = planBox(survey.view, survey.nowMs);
    const mine = decision.grants.filter(({ run }) => this.isOurs(survey, run));
    for (const grant of mine) await this.#claim(grant, survey);
    this.#writeNote(survey, decision);
    this.#callOthers(survey, decision);
    return { decision, survey, mine };
  }

  survey(): Promise<Survey> {
    const nowMs = Date.now();
    this.#strangers = this.#strangers.filter(({ seenMs }) => nowMs - seenMs < STRANGER_MS);
    return surveyBox({
      folders: this.#folders,
      config: this.#config(),
      nowMs,
      strangers: this.#strangers,
      isLate: (ticket) => ticket.daemon !== this.#key && this.#late.isLate(ticket, nowMs),
    });
  }

  addStrangers(found: readonly StrangerNote[]): void {
    const devices = new Set(found.map(({ device }) => device));
    this.#strangers = [...this.#strangers.filter(({ device }) => !devices.has(device)), ...found];
  }

  isOurs({ tickets }: Survey, run: string): boolean {
    return tickets.some((ticket) => ticket.run === run && ticket.daemon === this.#key);
  }

  /** We decide, so we are here: our own tickets aren't passed over any more. */
  #present(survey: Survey): Survey {
    const tickets = survey.view.tickets.map((ticket) => {
      if (!ticket.passedOver || !this.isOurs(survey, ticket.run)) return ticket;
      this.#folders.tickets.renew(ticket.run);
      return { ...ticket, passedOver: false };
    });
    return { ...survey, view: { ...survey.view, tickets } };
  }

  /**
   * Counts and clears away our leases that are over: ended, or with nothing left that lives. Also those of another
   * daemon of this member that isn't there to do it.
   */
  #settle(survey: Survey, starting: ReadonlySet<string>): void {
    const held = new Set([...survey.holders.values()].map((lease) => lease?.run));
    const elsewhere = new Set(survey.daemons.filter(({ isAlive }) => isAlive).map(({ key }) => key));
    elsewhere.delete(this.#key);
    for (const lease of survey.leases) {
      if (lease.member !== this.#member || elsewhere.has(lease.daemon)) continue;
      if (held.has(lease.run) || starting.has(lease.run)) continue;
      if (lease.supervisor !== null || lease.endedMs !== null) {
        this.#ledger.claim(lease, lease.endedMs ?? survey.nowMs, this.#config().halfLifeMs);
      }
      this.#folders.leases.remove(lease.run);
    }
  }

  async #claim({ run, devices }: Grant, { tickets, nowMs }: Survey): Promise<void> {
    const { source } = this.#config().file;
    const isChecked = source === 'nvidia' || source === 'rocm';
    const timeMs = tickets.find((ticket) => ticket.run === run)?.timeMs ?? null;
    const claimUntilMs = nowMs + (isChecked ? CHECKED_CLAIM_MS : CLAIM_MS);
    await this.#folders.leases.claim({ run, daemon: this.#key, devices, timeMs, claimUntilMs });
  }

  #writeNote({ view, notes, nowMs }: Survey, { reservation }: Decision): void {
    const told = notes.find(({ key }) => key === this.#key)?.strangers ?? [];
    const strangers = this.#strangers;
    if (isSame(view.reservation, reservation) && JSON.stringify(told) === JSON.stringify(strangers)) return;
    this.#folders.notes.write(this.#key, { decidedMs: nowMs, reservation, strangers });
  }

  /** Whose turn it is, and who has become the first in line: that one has to know that it is next. */
  #callOthers(survey: Survey, { grants, reservation }: Decision): void {
    const granted = new Set(grants.map(({ run }) => run).filter((run) => !this.isOurs(survey, run)));
    this.#late.forget(new Set(survey.tickets.map(({ run }) => run)));
    this.#late.note(granted, survey.nowMs);
    const isNewFirst = reservation !== null && reservation.run !== survey.view.reservation?.run;
    const runs = isNewFirst ? [...granted, reservation.run] : [...granted];
    const keys = new Set(survey.tickets.filter(({ run }) => runs.includes(run)).map(({ daemon }) => daemon));
    for (const { key, wokenMs, answeredMs } of survey.daemons) {
      // One that hasn't answered yet isn't called again: the time since the first call is what counts.
      if (key !== this.#key && keys.has(key) && (wokenMs ?? 0) <= answeredMs) this.#folders.daemons.wake(key);
    }
  }
}

function assertKnownPlan({ file: { plan } }: BoxConfig): void {
  if (plan === PLAN_VERSION) return;
  throw new QwexError({
    code: 'unsupported',
    message: `the box decides by rules of version ${plan}; this daemon knows version ${PLAN_VERSION}`,
    hint:
      plan > PLAN_VERSION
        ? 'update qwex and restart the daemon'
        : 'whoever made the box sets "plan" in box.yaml, once all daemons are up to date',
  });
}

function isSame(a: Reservation | null, b: Reservation | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.run === b.run &&
    a.atMs === b.atMs &&
    a.promisedMs === b.promisedMs &&
    a.devices.join(' ') === b.devices.join(' ')
  );
}
