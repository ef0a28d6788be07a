// Runs that have been claimed for devices and don't run yet: being prepared, or waiting for their turn.
import type { Turn } from '../runner/deps.ts';

interface Claimed {
  /** Prepared, and waiting for devices. */
  take: ((turn: Turn) => void) | null;
  isWithdrawn: boolean;
  isGranted: boolean;
}

export class ClaimedRuns {
  readonly #runs = new Map<string, Claimed>();

  add(run: string): Claimed {
    const known = this.#runs.get(run);
    if (known) return known;
    const claimed = { take: null, isWithdrawn: false, isGranted: false };
    this.#runs.set(run, claimed);
    return claimed;
  }

  has(run: string): boolean {
    return this.#runs.has(run);
  }

  delete(run: string): void {
    this.#runs.delete(run);
  }

  isGranted(run: string): boolean {
    return this.#runs.get(run)?.isGranted === true;
  }

  /** And waits for its turn. */
  isPrepared(run: string): boolean {
    return (this.#runs.get(run)?.take ?? null) !== null;
  }

  get hasPrepared(): boolean {
    return [...this.#runs.values()].some(({ take }) => take !== null);
  }

  /** Those that may still be granted devices. */
  inLine(): string[] {
    return [...this.#runs]
      .filter(([, { isGranted, isWithdrawn }]) => !isGranted && !isWithdrawn)
      .map(([run]) => run);
  }

  /** The run is prepared: resolves with the answer that it is given. */
  wait(run: string): Promise<Turn> {
    const claimed = this.add(run);
    if (claimed.isWithdrawn) return Promise.resolve({ kind: 'withdrawn' });
    claimed.isGranted = false;
    return new Promise((resolve) => {
      claimed.take = resolve;
    });
  }

  /** False when it isn't waiting: being prepared still, or on its way. */
  answer(run: string, turn: Turn): boolean {
    const claimed = this.#runs.get(run);
    const take = claimed?.take;
    if (!claimed || !take) return false;
    claimed.take = null;
    claimed.isGranted = turn.kind === 'granted';
    take(turn);
    return true;
  }

  /** It has no devices any more, and isn't ready for others before it waits again. */
  takeBack(run: string): void {
    const claimed = this.#runs.get(run);
    if (claimed) claimed.isGranted = false;
  }

  /** At once, or as soon as it is prepared. False for one that isn't here, or has devices. */
  withdraw(run: string): boolean {
    const claimed = this.#runs.get(run);
    if (claimed === undefined || claimed.isGranted) return false;
    claimed.isWithdrawn = true;
    this.answer(run, { kind: 'withdrawn' });
    return true;
  }

  interruptAll(): void {
    for (const run of this.#runs.keys()) this.answer(run, { kind: 'interrupted' });
  }
}
