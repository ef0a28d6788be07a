// The box that this daemon takes part in: opened in the background, tried again while it can't be, and changed for another
// when the machine has got one since, or the setting names one. It must never leave a box in which runs of ours hold
// devices, nor go from a shared box to a private one by itself: somebody would work beside their lab.
import type { Box } from '../box/index.ts';
import { levelOf } from '../log.ts';
import { boxTrouble } from './box-trouble.ts';

export interface OpenBox {
  box: Box;
  /** With others: then a run without a limit has the box's. */
  isShared: boolean;
}

export interface JoinedBoxOptions {
  /** The folder of the shared box that is meant now; null: there is none. Asked often. */
  meant: () => string | null;
  /** Takes part in the box, a private one for null, or says why not. A driver may take seconds to answer. */
  open: (root: string | null) => Promise<OpenBox>;
  log: Record<'warn' | 'error', (fields: object, message: string) => void>;
}

export class JoinedBox {
  readonly #options: JoinedBoxOptions;
  #current: OpenBox | null = null;
  /** Open already, for when nothing of ours holds devices of the current one. */
  #next: OpenBox | null = null;
  /** Why the box that is meant can't be used. */
  #fault: string | null = null;
  #first: Promise<void> = Promise.resolve();
  #isOpening = true;
  #attempt: Promise<void> | undefined;
  /** The last shared one. */
  #sharedRoot: string | null = null;
  #isClosed = false;

  constructor(options: JoinedBoxOptions) {
    this.#options = options;
  }

  open(): void {
    this.#first = this.#try().then(() => {
      this.#isOpening = false;
    });
  }

  /** The first answer has not come yet. */
  get isOpening(): boolean {
    return this.#isOpening;
  }

  get current(): OpenBox | null {
    return this.#current;
  }

  /** What new runs will be under. */
  get coming(): OpenBox | null {
    return this.#next ?? this.#current;
  }

  /** Why there is none, in words. */
  get problem(): string | null {
    return this.#current === null && this.#fault !== null ? `no devices: ${this.#fault}` : null;
  }

  /** What stands in the way of another one that is meant. */
  get notice(): string | null {
    if (this.#current === null) return null;
    const { root } = this.#current.box;
    if (this.#next !== null)
      return `runs with GPUs start again when yours on the devices of ${root} have ended: from then on the box is ${this.#next.box.root} (at once, with the old devices taken for a stranger's: qwex daemon restart)`;
    return this.#fault === null || this.#hasMeant() ? null : `still in ${root}: ${this.#fault}`;
  }

  /** True while no run may be given devices of the current one. */
  get isLeaving(): boolean {
    return this.#next !== null;
  }

  /** Resolves when it is known which box there is, if any. A shared one is looked for again. */
  async known(): Promise<void> {
    await this.#first;
    if (!this.#isClosed && !this.#hasMeant() && this.#meant() !== null) await this.#try();
  }

  /** Also asks the driver again, when that was what was missing. */
  async again(): Promise<void> {
    await this.#first;
    if (!this.#isClosed && !this.#hasMeant()) await this.#try();
  }

  /** Changes over to the box that is meant if nothing keeps us. To be called between decisions only. True when it did. */
  async change(): Promise<boolean> {
    if (this.#current?.box.isPresent() === false) await this.drop();
    await this.known();
    const before = this.#current;
    if (this.#next === null || this.#isClosed) return false;
    if (this.#isMeant(before)) {
      await this.#next.box.close();
      this.#next = null;
      return false;
    }
    if (before?.box.isInUse()) return false;
    [this.#current, this.#next] = [this.#next, null];
    await before?.box.close();
    return true;
  }

  /** It is gone, or was made anew under us. */
  async drop(): Promise<void> {
    const before = this.#current;
    this.#current = null;
    await before?.box.close();
  }

  /** Resolves when nothing is on its way any more, or after a while: a driver that hangs must not keep the daemon. */
  async close(patience: Promise<unknown>): Promise<void> {
    this.#isClosed = true;
    await Promise.race([Promise.all([this.#first, this.#attempt]), patience]);
    for (const opened of [this.#next, this.#current]) await opened?.box.close();
  }

  #meant(): string | null {
    return this.#options.meant() ?? this.#sharedRoot;
  }

  #isMeant(opened: OpenBox | null): boolean {
    const root = this.#meant();
    if (opened === null) return false;
    return root === null ? !opened.isShared : opened.isShared && opened.box.root === root;
  }

  #hasMeant(): boolean {
    return this.#isMeant(this.#next) || this.#isMeant(this.#current);
  }

  /** One attempt at a time, for whoever asks. */
  #try(): Promise<void> {
    this.#attempt ??= this.#openMeant().finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  async #openMeant(): Promise<void> {
    const { open, log } = this.#options;
    try {
      const opened = await open(this.#meant());
      // A driver that took its time, and nobody waits for it any more.
      if (this.#isClosed) return await opened.box.close();
      await this.#next?.box.close();
      this.#next = null;
      if (this.#current === null) this.#current = opened;
      else this.#next = opened;
      if (opened.isShared) this.#sharedRoot = opened.box.root;
      this.#fault = null;
    } catch (error) {
      const fault = boxTrouble(error);
      if (fault !== this.#fault) log[levelOf(error)]({ err: error }, 'the box cannot be used');
      this.#fault = fault;
    }
  }
}
