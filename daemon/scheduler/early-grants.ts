// Grants of runs whose turn came before they were prepared. Their devices are kept for them for a while: seconds of an idle
// device are little against a place in the line. Not for long, as a checkout may take minutes.
import type { OwnGrant } from '../box/index.ts';

export class EarlyGrants {
  readonly #kept = new Map<string, { grant: OwnGrant; timer: NodeJS.Timeout }>();

  keep(grant: OwnGrant, keepMs: number, onLapse: () => void): void {
    const timer = setTimeout(() => {
      this.#kept.delete(grant.run);
      onLapse();
    }, keepMs);
    timer.unref();
    this.#kept.set(grant.run, { grant, timer });
  }

  /** It is kept no longer. Undefined for a run that has none. */
  take(run: string): OwnGrant | undefined {
    const kept = this.#kept.get(run);
    clearTimeout(kept?.timer);
    this.#kept.delete(run);
    return kept?.grant;
  }

  runs(): string[] {
    return [...this.#kept.keys()];
  }
}
