// A box, as one daemon takes part in it. It decides for all and acts for its own runs alone: it never starts, ends or
// removes anything that belongs to another member. A private box in a home is the same with one member.
import { existsSync } from 'node:fs';
import { QwexError } from '../../shared/errors.ts';
import type { ProcessIdentity } from '../supervisor/identity.ts';
import { Accounts } from './accounts.ts';
import { type BoxConfig, loadBox } from './config.ts';
import { Decider, type Round } from './decider.ts';
import { checkDevices } from './device-check.ts';
import { sourceOf } from './devices/index.ts';
import type { DeviceSource } from './devices/source.ts';
import { Arbiter } from './files/arbiter.ts';
import { OwnPresence } from './files/daemons.ts';
import { boxPlaces } from './files/places.ts';
import type { TicketRequest } from './files/tickets.ts';
import { assertMember } from './membership.ts';
import { ownGrantOf } from './own-grant.ts';
import { planBox } from './plan/plan.ts';
import { type Request, refusalOf } from './plan/refusal.ts';
import type { Decision } from './plan/types.ts';
import { Reasons } from './reasons.ts';
import { StartingRuns } from './starting.ts';
import { BoxFolders, type Survey } from './survey.ts';
import { isSystemError } from './system-error.ts';
import { Turns } from './turn.ts';
import type { BoxOptions, BoxParts, Explanation, OwnGrant } from './types.ts';
import { BoxWatches } from './watches.ts';
import { deadlineOf, isNextOurs, isOursAfter, lifeTargets } from './what-to-watch.ts';
import { refusalWords } from './words.ts';

/** Those who are not next give way to who is, before they look whether that one is there. */
const GIVE_WAY_MS = 100;

export class Box {
  readonly folders: BoxFolders;
  readonly accounts: Accounts;
  readonly key: string;
  readonly member = process.getuid?.() ?? 0;
  readonly #options: BoxOptions;
  readonly #presence: OwnPresence;
  readonly #decider: Decider;
  readonly #turns: Turns;
  readonly #watches: BoxWatches;
  readonly #starting = new StartingRuns();
  #config: BoxConfig;
  #source: DeviceSource;
  #last: Round | undefined;
  readonly #reasons: Reasons;
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  /** A bug met where nobody could be told. */
  #fault: unknown;

  private constructor({ options, config, accounts, presence }: BoxParts) {
    const places = boxPlaces(options.root);
    this.#options = options;
    this.#config = config;
    this.accounts = accounts;
    this.#reasons = new Reasons(accounts, this.member);
    this.#presence = presence;
    this.key = presence.key;
    this.folders = new BoxFolders(places);
    this.#source = sourceOf(config.file, options.programs);
    this.#decider = new Decider({
      folders: this.folders,
      key: presence.key,
      member: this.member,
      config: () => this.#config,
      onStrangerGone: options.onWake,
    });
    const { locks } = this.folders;
    const arbiter = new Arbiter({ places, key: presence.key, locks, waitMs: options.arbiterWaitMs });
    this.#turns = new Turns(this.#decider, arbiter);
    this.#watches = new BoxWatches(places, {
      onCalled: options.onWake,
      onDeadline: options.onWake,
      onBoxFile: () => this.#reload(),
      onEnd: (name) => this.#onEnd(name),
    });
    this.#watches.start(presence.key);
  }

  /** Throws `not_found` without a box, `invalid_config`, or `forbidden` for who may not take part. */
  static async open(options: BoxOptions): Promise<Box> {
    const accounts = new Accounts();
    const config = await loadBox(options.root, accounts);
    await assertMember(boxPlaces(options.root));
    const presence = await OwnPresence.announce(options.root, options.home);
    return new Box({ options, config, accounts, presence });
  }

  get root(): string {
    return this.#options.root;
  }

  get config(): BoxConfig {
    return this.#config;
  }

  get source(): DeviceSource {
    return this.#source;
  }

  get outOfWatches(): string | null {
    return this.#watches.outOfWatches;
  }

  /** In words, why a request can never start; null when it can. */
  refuse(request: Request): string | null {
    const { policy, file } = this.#config;
    const reason = refusalOf(request, file.devices, { policy, member: this.member });
    return reason === null ? null : refusalWords(reason);
  }

  /** Takes a place in the line, or changes what is asked for and keeps the place. */
  put(request: TicketRequest): void {
    this.folders.tickets.put(request, this.key);
  }

  withdraw(run: string): void {
    this.folders.tickets.remove(run);
  }

  /** Removes our tickets of other runs, which an earlier daemon of this home has left. */
  keepOnly(runs: ReadonlySet<string>): void {
    const { tickets } = this.folders.tickets.read();
    for (const { run, daemon } of tickets) if (daemon === this.key && !runs.has(run)) this.withdraw(run);
  }

  /** One decision for the whole line. Returns the grants of our own runs: each is to be started, or given back. */
  decide(): Promise<OwnGrant[]> {
    const next = this.#turn.then(() => this.#decide());
    // Whoever asked hears of the failure; the next one gets its turn all the same.
    this.#turn = next.catch(() => undefined);
    return next;
  }

  /** A supervisor has the locks; undefined for one that died before it could say who it is. */
  async started(run: string, supervisor: ProcessIdentity | undefined): Promise<void> {
    if (!this.#leaseOf(run)) {
      const devices = this.#starting.devicesOf(run);
      const claim = { run, daemon: this.key, devices, timeMs: null, claimUntilMs: 0 };
      if (devices.length > 0) await this.folders.leases.claim(claim);
    }
    if (supervisor && this.#leaseOf(run)?.supervisor === null) this.folders.leases.noteHeld(run, supervisor);
    this.#starting.letGo(run);
    this.withdraw(run);
  }

  /** It didn't start: its devices are free for the next decision, and its ticket still stands. */
  giveBack(run: string): void {
    this.folders.leases.remove(run);
    this.#starting.letGo(run);
  }

  /** Of our runs, those whose turn has come, by the last decision, and that aren't prepared for it. */
  unprepared(): string[] {
    const last = this.#last;
    if (last === undefined) return [];
    const awaited = last.decision.waiting.filter(({ reason }) => reason.kind === 'unprepared');
    return awaited.map(({ run }) => run).filter((run) => this.#decider.isOurs(last.survey, run));
  }

  /** It is over. What it used is counted with the next decision, which this asks for. */
  ended(run: string): void {
    if (this.#leaseOf(run)?.endedMs === null) this.folders.leases.noteEnded(run, Date.now());
    this.#starting.letGo(run);
    this.withdraw(run);
    this.#options.onWake();
  }

  /** Why a run of ours waits, and when it may start, by the last decision; undefined when it isn't waiting. */
  async explain(run: string): Promise<Explanation | undefined> {
    return this.#last === undefined ? undefined : this.#reasons.of(run, this.#last.decision);
  }

  /** A look without deciding; whoever is in it can be named. */
  async look(): Promise<{ survey: Survey; decision: Decision }> {
    const survey = await this.#decider.survey();
    const owners = survey.ignored.flatMap(({ uid }) => uid ?? []);
    const members = [...survey.tickets, ...survey.leases].map(({ member }) => member);
    await this.accounts.learn([...members, ...owners]);
    return { survey, decision: planBox(survey.view, survey.nowMs) };
  }

  /** True while a run of ours holds devices, or is about to. */
  isInUse(): boolean {
    return this.#starting.size > 0 || this.folders.leases.hasOpen(this.key);
  }

  /** False when others can't see us any more: the folder is gone, or was made anew. */
  isPresent(): boolean {
    return existsSync(this.folders.places.wakeFile(this.key));
  }

  /** Leaves the line; what runs goes on. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watches.close();
    await this.#turn;
    this.#decider.close();
    this.#starting.letAllGo();
    await this.folders.leases.dropPrepared();
    this.#turns.close();
    this.#presence.close();
  }

  async #decide(): Promise<OwnGrant[]> {
    if (this.#fault !== undefined) throw this.#fault;
    try {
      return await this.#decideUntilClear();
    } catch (error) {
      // Parts of the box may have been removed under us, or our right to it: that is the better message.
      if (isSystemError(error)) await assertMember(this.folders.places);
      throw error;
    }
  }

  async #decideUntilClear(): Promise<OwnGrant[]> {
    for (;;) {
      const { mine } = await this.#round();
      const strangers = await checkDevices(
        mine.flatMap(({ devices }) => devices),
        { source: this.#source, box: this.#config.file, accounts: this.accounts },
      );
      const [{ places, leases }, box] = [this.folders, this.#config.file];
      if (strangers.length === 0)
        return mine.map((grant) => ownGrantOf(grant, { places, lease: leases.pathsOf(grant.run), box }));
      this.#decider.addStrangers(strangers);
      for (const { run } of mine) this.giveBack(run);
    }
  }

  async #round(): Promise<Round> {
    // Before the look: what comes later is a new call.
    this.#presence.answer();
    const starting = this.#starting.runs();
    const carryOut = (planned: Round) => this.#carryOut(planned, starting);
    const round = await this.#turns.take({ starting, last: this.#last, carryOut });
    this.#last = round;
    this.#watchFor(round);
    return round;
  }

  async #carryOut(round: Round, starting: ReadonlySet<string>): Promise<void> {
    await this.#decider.carryOut(round, starting);
    for (const grant of round.mine)
      this.#starting.hold(grant, this.folders.leases.pathsOf(grant.run).lifePath);
  }

  #watchFor(round: Round): void {
    const isOurs = (run: string) => this.#decider.isOurs(round.survey, run);
    const options = { round, isOurs, places: this.folders.places, key: this.key };
    if (round.decision.waiting.some(({ run }) => isOurs(run))) this.folders.leases.prepare(this.key);
    this.#watches.follow(lifeTargets(options));
    this.#watches.wakeAt(deadlineOf(options));
  }

  #leaseOf(run: string) {
    const { leases } = this.folders.leases.read();
    return leases.find((lease) => lease.run === run && lease.member === this.member);
  }

  /** What is wrong with the file is told by doctor and by the next start; the last good settings stay till then. */
  #reload(): void {
    this.#turn = this.#turn.then(async () => {
      try {
        this.#config = await loadBox(this.root, this.accounts);
        this.#source = sourceOf(this.#config.file, this.#options.programs);
      } catch (error) {
        this.#fault = error instanceof QwexError || isSystemError(error) ? undefined : error;
      }
      this.#options.onWake();
    });
  }

  #onEnd(name: string): void {
    const last = this.#last;
    const isOurs = (run: string) => last !== undefined && this.#decider.isOurs(last.survey, run);
    // Before anything else: that is what the decision waits for longest.
    if (last !== undefined && isNextOurs(last, isOurs)) this.folders.locks.warm();
    if (last !== undefined && isOursAfter(last, name, isOurs)) {
      this.#turns.expect();
      this.#options.onWake();
    } else {
      this.#watches.wakeSoon(GIVE_WAY_MS);
    }
  }
}
