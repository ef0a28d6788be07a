// This daemon's runs in the line of its box. Every ready run that asks for devices has a ticket, so that the line is
// fair and everyone can be told why they wait; the first few are claimed and prepared ahead, and then wait here, inside
// their execution, for the box's grant: a device never waits for git. A grant for a run that isn't prepared yet goes
// back, and the run is prepared at once. What has been prepared and is held goes back into the queue.
// It must never decide who is next: the box does, for all of its members alike.
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Box,
  deviceVariables,
  type Explanation,
  type OwnGrant,
  type ProcessIdentity,
} from '../box/index.ts';
import type { DeviceQueue, Turn } from '../runner/deps.ts';
import type { RunRecord } from '../store/record.ts';
import type { Store } from '../store/store.ts';
import { boxTrouble } from './box-trouble.ts';
import { ClaimedRuns } from './claimed-runs.ts';
import { OwnTickets } from './own-tickets.ts';

/** Of one member's daemon; its other runs move up as these start. */
const MAX_TICKETS = 50;
const PREPARED_AHEAD = 2;
/** Between looks at a box that can't be used. */
const RETRY_MS = 30_000;
const OPENING_LIMIT_MS = 2000;

export interface OpenBox {
  box: Box;
  /** With others: then a run without a limit has the box's. */
  isShared: boolean;
}

export interface DeviceLineOptions {
  store: Store;
  /** Takes part in the box, or says why not; asked once. A driver may take seconds to answer. */
  open: (onWake: () => void) => Promise<OpenBox>;
  /** A fault that forbids new starts, in words; null when there is none. */
  problem: () => string | null;
  /** Claims a run, prepares it and asks for its turn. */
  start: (runId: string) => void;
  log: { warn(fields: object, message: string): void; error(fields: object, message: string): void };
}

export class DeviceLine implements DeviceQueue {
  readonly #options: DeviceLineOptions;
  readonly #claimed = new ClaimedRuns();
  readonly #tickets = new OwnTickets();
  #explanations = new Map<string, Explanation>();
  #opened: OpenBox | null = null;
  #known: Promise<void> = Promise.resolve();
  #problem: string | null = null;
  #retry: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;
  #isOpening = true;
  #isClosed = false;
  #isStopped = true;
  #isAwake = false;
  #isLooking = false;
  #isDue = false;
  #isStale = false;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: DeviceLineOptions) {
    this.#options = options;
  }

  /** Begins to open the box, and returns at once. Runs start with `begin`. */
  open(): void {
    this.#known = this.#open();
  }

  /** From now on runs may start. */
  begin(): void {
    this.#isStopped = false;
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
    this.#isStopped = true;
    this.#unlisten?.();
    clearTimeout(this.#retry);
    this.#claimed.interruptAll();
    await this.#looking;
  }

  /** After `stop`, when no run is on its way any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // A driver that hangs must not keep the daemon from stopping.
    const patience = new AbortController();
    const limit = delay(OPENING_LIMIT_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([this.#known, limit]);
    patience.abort();
    await this.#opened?.box.close();
  }

  /** The box that this daemon takes part in; null until it is open, or when it can't be. */
  get box(): Box | null {
    return this.#opened?.box ?? null;
  }

  get isShared(): boolean {
    return this.#opened?.isShared ?? false;
  }

  /** Why no run gets devices, in words; null when nothing is wrong. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Resolves when it is known which box there is, if any. */
  known(): Promise<void> {
    return this.#known;
  }

  /** Looks soon, once for any number of calls before it happens; decides only if the line has changed. */
  wake(): void {
    if (this.#isAwake || this.#isStopped) return;
    this.#isAwake = true;
    setImmediate(() => {
      this.#isAwake = false;
      if (!this.#isLooking) this.#looking = this.#look();
      // Whoever looks now may have seen the change, or not.
      else this.#isStale = true;
    });
  }

  explain(run: string): Explanation {
    const found = this.#explanations.get(run);
    if (this.#problem === null && found !== undefined) return found;
    const words =
      this.#problem ??
      (this.#isOpening
        ? 'waiting to hear which devices this machine has'
        : this.#tickets.has(run)
          ? 'its place in the line is being found'
          : `takes its place in the line when fewer than ${MAX_TICKETS} of your runs wait before it`);
    return { words, position: null, expectedMs: null };
  }

  turnOf(run: string): Promise<Turn> {
    if (this.#isStopped) return Promise.resolve({ kind: 'interrupted' });
    const turn = this.#claimed.wait(run);
    this.#decideSoon();
    return turn;
  }

  withdraw(run: string): boolean {
    return this.#claimed.withdraw(run);
  }

  async started(run: string, supervisor: ProcessIdentity | undefined): Promise<void> {
    this.#tickets.forget(run);
    await this.box?.started(run, supervisor);
  }

  giveBack(run: string): void {
    this.#tell(run, (box) => box.giveBack(run));
    // The decision that gave it counted on these devices.
    this.#isDue = true;
  }

  leave(run: string): void {
    this.#claimed.delete(run);
    this.wake();
  }

  ended(run: string): void {
    this.#tell(run, (box) => box.ended(run));
  }

  noDevices(): Record<string, string> {
    const file = this.box?.config.file;
    return file === undefined || file.devices.length === 0 ? {} : deviceVariables([], file);
  }

  timeLimitMs({ timeMs }: { timeMs: number | null }): number | null {
    if (this.#opened === null || !this.isShared) return timeMs;
    const { defaultTimeMs, maxTimeMs } = this.#opened.box.config.policy;
    return Math.min(timeMs ?? defaultTimeMs, maxTimeMs ?? Number.POSITIVE_INFINITY);
  }

  async #open(): Promise<void> {
    const { open, log } = this.#options;
    try {
      const opened = await open(() => this.#decideSoon());
      // A driver that took its time, and nobody waits for it any more.
      if (this.#isClosed) return await opened.box.close();
      this.#opened = opened;
    } catch (error) {
      this.#problem = `no devices: ${boxTrouble(error)}`;
      log.error({ err: error }, 'the box cannot be used; runs without devices go on');
    }
    this.#isOpening = false;
    this.#decideSoon();
  }

  /** What can't be written into the box is found out again with the next decision. */
  #tell(run: string, say: (box: Box) => void): void {
    try {
      if (this.box !== null) say(this.box);
    } catch (error) {
      this.#options.log.warn({ err: error, runId: run }, 'the box was not told of a run');
    }
  }

  #decideSoon(): void {
    this.#isDue = true;
    this.wake();
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    try {
      do await this.#round();
      while ((this.#isDue || this.#isStale) && !this.#isStopped);
      if (this.#opened !== null) this.#problem = null;
    } catch (error) {
      const words = boxTrouble(error);
      if (this.#problem !== words) this.#options.log.error({ err: error }, 'the box cannot be used just now');
      this.#problem = words;
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.#decideSoon(), RETRY_MS);
      this.#retry.unref();
    } finally {
      this.#isLooking = false;
    }
  }

  async #round(): Promise<void> {
    const box = this.box;
    const wasDue = this.#isDue;
    [this.#isDue, this.#isStale] = [false, false];
    if (box === null || this.#isStopped) return;
    const isKept = (run: string): boolean => this.#claimed.isGranted(run);
    const hasChanged = this.#tickets.renew(box, this.#wanted(), isKept);
    if (!hasChanged && !wasDue) {
      this.#prepareAhead();
      return;
    }
    for (const grant of await box.decide()) this.#hand(box, grant);
    this.#prepareAhead();
    const told = await Promise.all(
      this.#tickets.runs().map(async (run) => [run, await box.explain(run)] as const),
    );
    this.#explanations = new Map(told.flatMap(([run, found]) => (found ? [[run, found]] : [])));
  }

  #wanted(): RunRecord[] {
    const { store } = this.#options;
    if (!this.#mayStart()) return [];
    const claimed = this.#claimed.inLine().flatMap((id) => {
      const run = store.runs.get(id);
      return run?.phase === 'preparing' ? [run] : [];
    });
    return [...claimed, ...store.runs.readyForDevices(MAX_TICKETS)].slice(0, MAX_TICKETS);
  }

  #mayStart(): boolean {
    return !this.#isStopped && !this.#options.store.isPaused && this.#options.problem() === null;
  }

  #hand(box: Box, grant: OwnGrant): void {
    if (this.#mayStart() && this.#claimed.answer(grant.run, { kind: 'granted', grant })) return;
    box.giveBack(grant.run);
    if (!this.#claimed.has(grant.run)) this.#start(grant.run);
  }

  #prepareAhead(): void {
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
      log.error({ err: error, runId: id }, 'the run could not be started; it stays queued');
    }
    // A full disk, say: it isn't on its way.
    if (store.runs.get(id)?.phase !== 'preparing') this.#claimed.delete(id);
  }
}
