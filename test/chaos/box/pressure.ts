// For how long processes that could run have waited for a CPU or a disk, by the kernel's own account. The kernel brings
// that up to date every two seconds: in between it is taken to have grown evenly.

export class Pressure {
  readonly #points: { atMs: number; totalMs: number }[] = [];

  /** What the kernel says now, in all since some beginning. */
  note(atMs: number, totalMs: number): void {
    const last = this.#points.at(-1);
    if (last === undefined || totalMs !== last.totalMs) this.#points.push({ atMs, totalMs });
  }

  between(fromMs: number, toMs: number): number {
    return Math.min(toMs - fromMs, this.#at(toMs) - this.#at(fromMs));
  }

  #at(atMs: number): number {
    const next = this.#points.findIndex((point) => point.atMs >= atMs);
    // Before the first and after the last change: as in the nearest time that is known.
    const end = next === -1 ? this.#points.length - 1 : Math.max(1, next);
    const [before, after] = [this.#points[end - 1], this.#points[end]];
    if (before === undefined || after === undefined) return before?.totalMs ?? 0;
    const perMs = (after.totalMs - before.totalMs) / (after.atMs - before.atMs);
    return before.totalMs + perMs * (atMs - before.atMs);
  }
}
