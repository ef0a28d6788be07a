// One round of deciding: look and plan; then, under the arbiter, settle what is over, claim what is ours, call those whose
// turn it is. It acts for this daemon's runs alone; for the others it decides only to know whom to call.
import { QwexError } from '../../shared/errors.ts';
import type { BoxConfig } from './config.ts';
import type { Lease } from './files/leases.ts';
import type { StrangerNote } from './files/notes.ts';
import { LateWatch } from './late.ts';
import { Ledger } from './ledger.ts';
import { planBox } from './plan/plan.ts';
import { type Decision, type Grant, PLAN_VERSION, type Reservation } from './plan/types.ts';
import { SeenStrangers } from './seen-strangers.ts';
import { type BoxFolders, type Survey, surveyBox } from './survey.ts';

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
  readonly #strangers: SeenStrangers;
  /** Our runs among the tickets of the last look. */
  #own: { tickets: Survey['tickets']; runs: ReadonlySet<string> } = { tickets: [], runs: new Set() };

  constructor({
    folders,
    key,
    member,
    config,
    onStrangerGone,
  }: {
    folders: BoxFolders;
    key: string;
    member: number;
    config: () => BoxConfig;
    onStrangerGone: () => void;
  }) {
    this.#folders = folders;
    this.#key = key;
    this.#member = member;
    this.#config = config;
    this.#strangers = new SeenStrangers(onStrangerGone);
    this.#ledger = new Ledger({ usage: folders.usage, key, member });
  }

  /** Looks and plans; nothing has happened yet. */
  async plan(): Promise<Round> {
    assertKnownPlan(this.#config());
    const survey = this.#present(await this.survey());
    const decision = planBox(survey.view, survey.nowMs);
    const mine = decision.grants.filter(({ run }) => this.isOurs(survey, run));
    return { decision, survey, mine };
  }

  /**
   * True when nothing follows from it that another decision could contradict: then it needs no arbiter. Most decisions
   * are so, as each event makes every waiting daemon decide, and one of them is next.
   * `starting`: runs that have been granted devices and whose supervisors are on their way.
   */
  isIdle({ decision, survey, mine }: Round, starting: ReadonlySet<string>): boolean {
    return mine.length === 0 && this.#over(survey, starting).length === 0 && this.#isNoted(survey, decision);
  }

  async carryOut(round: Round, starting: ReadonlySet<string>): Promise<void> {
    const { decision, survey, mine } = round;
    this.#settle(survey, starting);
    this.#ledger.witness(survey, this.#config().halfLifeMs);
    for (const grant of mine) await this.#claim(grant, survey);
    if (!this.#isNoted(survey, decision)) {
      const reservation = this.#promise(survey, decision);
      this.#folders.notes.write(this.#key, {
        decidedMs: survey.nowMs,
        reservation,
        strangers: this.#strangers.standing(survey.nowMs),
      });
    }
    this.#callOthers(survey, decision);
  }

  survey(): Promise<Survey> {
    const nowMs = Date.now();
    return surveyBox({
      folders: this.#folders,
      config: this.#config(),
      nowMs,
      strangers: this.#strangers.standing(nowMs),
      isLate: (ticket) => ticket.daemon !== this.#key && this.#late.isLate(ticket, nowMs),
    });
  }

  addStrangers(found: readonly StrangerNote[]): void {
    this.#strangers.add(found);
  }

  close(): void {
    this.#strangers.close();
  }

  isOurs({ tickets }: Survey, run: string): boolean {
    if (this.#own.tickets !== tickets) {
      const own = tickets.filter(({ daemon }) => daemon === this.#key);
      this.#own = { tickets, runs: new Set(own.map((ticket) => ticket.run)) };
    }
    return this.#own.runs.has(run);
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
   * Our leases that are over: ended, or with nothing left that lives. Also those of another daemon of this member that
   * isn't there to count them.
   */
  #over(survey: Survey, starting: ReadonlySet<string>): Lease[] {
    const held = new Set([...survey.holders.values()].map((lease) => lease?.run));
    const elsewhere = new Set(survey.daemons.filter(({ isAlive }) => isAlive).map(({ key }) => key));
    elsewhere.delete(this.#key);
    return survey.leases.filter(
      ({ run, member, daemon }) =>
        member === this.#member && !elsewhere.has(daemon) && !held.has(run) && !starting.has(run),
    );
  }

  /** Counts them and clears them away. */
  #settle(survey: Survey, starting: ReadonlySet<string>): void {
    for (const lease of this.#over(survey, starting)) {
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

  /** True when the others can read it all already. */
  #isNoted(survey: Survey, decision: Decision): boolean {
    const { view, notes } = survey;
    const told = notes.find(({ key }) => key === this.#key)?.strangers ?? [];
    return (
      isSame(view.reservation, this.#promise(survey, decision)) &&
      JSON.stringify(told) === JSON.stringify(this.#strangers.standing(survey.nowMs))
    );
  }

  /**
   * The reservation that the next decision keeps to. While others haven't yet taken what is theirs, it is the one from
   * before: a promise to who comes after them would put that one before them.
   */
  #promise(survey: Survey, { grants, reservation }: Decision): Reservation | null {
    return grants.every(({ run }) => this.isOurs(survey, run)) ? reservation : survey.view.reservation;
  }

  /** Whose turn it is, and who has become the first in line: that one has to know that it is next. */
  #callOthers(survey: Survey, decision: Decision): void {
    const { grants } = decision;
    const reservation = this.#promise(survey, decision);
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
