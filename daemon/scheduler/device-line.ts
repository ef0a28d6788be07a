// This daemon's runs in the line of its box. Every ready run that asks for devices has a ticket, so that the line is
// fair and everyone can be told why they wait; the first few are claimed and prepared ahead, and then wait here, inside
// their execution, for the box's grant. The ticket says whether its run is prepared, and the box gives devices to no other:
// a device never waits for git. What has been prepared and is held goes back into the queue.
// It must never decide who is next: the box does, for all of its members alike.
import { setTimeout as delay } from 'node:timers/promises';
import type { Box, Explanation, OwnGrant, ProcessIdentity } from '../box/index.ts';
import { levelOf } from '../log.ts';
import type { DeviceQueue, Turn } from '../runner/deps.ts';
import { limitUnder, noDevicesIn } from './box-rules.ts';
import { boxTrouble } from './box-trouble.ts';
import { ClaimedRuns } from './claimed-runs.ts';
import type { DeviceLineOptions } from './device-line-options.ts';
import { unplacedWords } from './explain.ts';
import { JoinedBox } from './joined-box.ts';
import { OwnTickets, type Wanted } from './own-tickets.ts';
import { Rounds } from './rounds.ts';

/** Of one member's daemon; its other runs move up as these start. */
const MAX_TICKETS = 50;
const PREPARED_AHEAD = 2;
const RETRY_MS = 30_000;
const OPENING_LIMIT_MS = 2000;

export class DeviceLine implements DeviceQueue {
  readonly #options: DeviceLineOptions;
  readonly #claimed = new ClaimedRuns();
  #tickets = new OwnTickets();
  #explanations = new Map<string, Explanation>();
  readonly #joined: JoinedBox;
  /** Why the last decision failed, in words. */
  #problem: string | null = null;
  #retry: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;
  readonly #rounds: Rounds;

  constructor(options: DeviceLineOptions) {
    this.#options = options;
    const { meantBox: meant, open, log } = options;
    this.#rounds = new Rounds({
      work: (isDue) => this.#round(isDue),
      onDone: () => {
        this.#problem = null;
      },
      onError: (error) => this.#fail(error),
    });
    this.#joined = new JoinedBox({ meant, log, open: (root) => open(root, () => this.#decideSoon()) });
  }

  /** Begins to open the box, and returns at once. Runs start with `begin`. */
  open(): void {
    this.#joined.open();
    void this.#joined.known().then(() => this.#decideSoon());
  }

  /** From now on runs may start. */
  begin(): void {
    this.#rounds.start();
    this.#unlisten = this.#options.store.events.listen((events) => {
      for (const { type, runId } of events)
        if (type === 'run.cancel_requested' && runId !== null)
          this.#claimed.answer(runId, { kind: 'interrupted' });
      this.wake();
    });
    this.#decideSoon();
  }

  /** Lets go of whoever waits. Its tickets stay, for the next daemon of this home, and don't count till then. */
  async stop(): Promise<void> {
    const stopped = this.#rounds.stop();
    this.#unlisten?.();
    clearTimeout(this.#retry);
    this.#claimed.interruptAll();
    await stopped;
  }

  /** After `stop`, when no run is on its way any more. */
  async close(): Promise<void> {
    const patience = new AbortController();
    const limit = delay(OPENING_LIMIT_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    await this.#joined.close(limit);
    patience.abort();
  }

  /** The box that new runs are under; null until it is open, or when it can't be. */
  get box(): Box | null {
    return this.#joined.coming?.box ?? null;
  }

  get isShared(): boolean {
    return this.#joined.coming?.isShared ?? false;
  }

  /** Why no run gets devices, in words; null when nothing is wrong. */
  get problem(): string | null {
    return this.#joined.problem ?? this.#problem;
  }

  /** What people should know of the box, and keeps nobody from devices for good. */
  get notice(): string | null {
    return this.#joined.notice;
  }

  /** Resolves when it is known which box there is, if any. */
  known(): Promise<void> {
    return this.#joined.known();
  }

  /** Tries again what could not be opened. */
  async again(): Promise<void> {
    await this.#joined.again();
    this.#decideSoon();
  }

  /** Looks soon, once for any number of calls before it happens; decides only if the line has changed. */
  wake(): void {
    this.#rounds.wake();
  }

  explain(run: string): Explanation {
    const found = this.#explanations.get(run);
    const problem = this.problem ?? (this.#joined.isLeaving ? this.notice : null);
    if (problem === null && found !== undefined) return found;
    const { isOpening } = this.#joined;
    const state = { problem, isOpening, hasTicket: this.#tickets.has(run), mostTickets: MAX_TICKETS };
    return { words: unplacedWords(state), position: null, expectedMs: null };
  }

  turnOf(run: string): Promise<Turn> {
    if (this.#rounds.isStopped) return Promise.resolve({ kind: 'interrupted' });
    const turn = this.#claimed.wait(run);
    this.#decideSoon();
    return turn;
  }

  withdraw(run: string): boolean {
    return this.#claimed.withdraw(run);
  }

  async started(run: string, supervisor: ProcessIdentity | undefined): Promise<void> {
    this.#tickets.forget(run);
    await this.#current?.started(run, supervisor);
  }

  giveBack(run: string): void {
    this.#claimed.takeBack(run);
    this.#tell(run, (box) => box.giveBack(run));
    // The decision that gave it counted on these devices.
    this.#rounds.note();
  }

  leave(run: string): void {
    this.#claimed.delete(run);
    this.wake();
  }

  ended(run: string): void {
    this.#tell(run, (box) => box.ended(run));
  }

  noDevices(): Record<string, string> {
    return noDevicesIn(this.box);
  }

  timeLimitMs({ timeMs }: { timeMs: number | null }): number | null {
    return limitUnder(this.#joined.coming, timeMs);
  }

  get #current(): Box | null {
    return this.#joined.current?.box ?? null;
  }

  /** What can't be written into the box is found out again with the next decision. */
  #tell(run: string, say: (box: Box) => void): void {
    try {
      if (this.#current !== null) say(this.#current);
    } catch (error) {
      this.#options.log.warn({ err: error, runId: run }, 'the box was not told of a run');
    }
  }

  #decideSoon(): void {
    this.#rounds.note();
    this.wake();
  }

  #fail(error: unknown): void {
    const words = boxTrouble(error);
    if (this.#problem !== words)
      this.#options.log[levelOf(error)]({ err: error }, 'the box cannot be used just now');
    this.#problem = words;
    this.#tryLater();
  }

  async #round(isDue: boolean): Promise<void> {
    const hasMoved = !this.#joined.isOpening && (await this.#follow());
    const box = this.#current;
    if (box === null || this.#rounds.isStopped) return;
    // None of ours can be given anything: nobody waits for the sync of the disk that a claim is.
    if (!this.#claimed.hasPrepared) this.#prepareAhead(box);
    const isKept = (run: string): boolean => this.#claimed.isGranted(run);
    const hasChanged = this.#tickets.renew(box, this.#wanted(), isKept);
    if (!hasChanged && !isDue && !hasMoved) {
      this.#prepareAhead(box);
      return;
    }
    const grants = await box.decide();
    for (const grant of grants) this.#hand(grant);
    // Those with devices go first. They wake us when they have left.
    if (grants.length === 0) this.#prepareAhead(box);
    const told = await Promise.all(
      this.#tickets.runs().map(async (run) => [run, await box.explain(run)] as const),
    );
    this.#explanations = new Map(told.flatMap(([run, found]) => (found ? [[run, found]] : [])));
  }

  /** To another box, when one is meant. True when it is another one now: whoever waits takes a place in its line. */
  async #follow(): Promise<boolean> {
    const before = this.#current;
    if (before === null && this.#wanted().length === 0) return false;
    await this.#joined.change();
    if (this.#current === null) this.#tryLater();
    if (this.#current === before) return false;
    this.#tickets = new OwnTickets();
    return true;
  }

  #tryLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.again(), this.#options.retryMs ?? RETRY_MS);
    this.#retry.unref();
  }

  #wanted(): Wanted[] {
    const { store } = this.#options;
    if (!this.#mayStart() || this.#joined.isLeaving) return [];
    const claimed = this.#claimed.inLine().flatMap((id) => {
      const run = store.runs.get(id);
      return run?.phase === 'preparing' ? [run] : [];
    });
    const runs = [...claimed, ...store.runs.readyForDevices(MAX_TICKETS)].slice(0, MAX_TICKETS);
    return runs.map((run) => ({ run, isPrepared: this.#claimed.isPrepared(run.id) }));
  }

  #mayStart(): boolean {
    return !this.#rounds.isStopped && !this.#options.store.isPaused && this.#options.problem() === null;
  }

  #hand(grant: OwnGrant): void {
    const { run } = grant;
    const isTaken = this.#mayStart() && this.#claimed.answer(run, { kind: 'granted', grant });
    if (!isTaken) this.giveBack(run);
  }

  /** The first of our own, and all whose turn has come. */
  #prepareAhead(box: Box): void {
    for (const run of box.unprepared()) this.#start(run);
    const free = PREPARED_AHEAD - this.#claimed.inLine().length;
    if (free <= 0) return;
    for (const { id } of this.#options.store.runs.readyForDevices(free)) this.#start(id);
  }

  #start(id: string): void {
    const { store, start, log } = this.#options;
    const run = store.runs.get(id);
    if (!this.#mayStart() || run?.phase !== 'queued' || run.held || run.unmet > 0) return;
    this.#claimed.add(id);
    try {
      start(id);
    } catch (error) {
      log[levelOf(error)]({ err: error, runId: id }, 'the run could not be started; it stays queued');
    }
    // A full disk, say: it isn't on its way.
    if (store.runs.get(id)?.phase !== 'preparing') this.#claimed.delete(id);
  }
}
