// Runs that have been granted devices and aren't yet in the hands of a supervisor: we hold their lifelines.
import { holdLife } from './files/life.ts';
import type { Grant } from './plan/types.ts';

export class StartingRuns {
  readonly #runs = new Map<string, { grant: Grant; life: { close(): void } }>();

  get size(): number {
    return this.#runs.size;
  }

  runs(): Set<string> {
    return new Set(this.#runs.keys());
  }

  devicesOf(run: string): string[] {
    return this.#runs.get(run)?.grant.devices ?? [];
  }

  hold(grant: Grant, lifePath: string): void {
    this.#runs.set(grant.run, { grant, life: holdLife(lifePath) });
  }

  letGo(run: string): void {
    this.#runs.get(run)?.life.close();
    this.#runs.delete(run);
  }

  letAllGo(): void {
    for (const run of this.runs()) this.letGo(run);
  }
}
