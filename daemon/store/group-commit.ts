// One commit for several requests. A sync costs a millisecond, on a disk that turns ten and more, and holds up everything
// else meanwhile: what has come in by then is committed together.

interface Member {
  work: () => unknown;
  resolve: (result: never) => void;
  reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #transaction: <T>(work: () => T) => T;
  #waiting: Member[] = [];

  /** `transaction` runs its work whole or not at all, and throws what the work throws. */
  constructor(transaction: <T>(work: () => T) => T) {
    this.#transaction = transaction;
  }

  /** Resolves to what `work` returns when it is durable; rejects when it has changed nothing. */
  join<T>(work: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (this.#waiting.length === 0) setImmediate(() => this.#commit());
    this.#waiting.push({ work, resolve, reject });
    return promise;
  }

  #commit(): void {
    const group = this.#waiting;
    this.#waiting = [];
    if (group.length > 1 && this.#commitAll(group)) return;
    for (const { work, resolve, reject } of group) {
      try {
        resolve(this.#transaction(work) as never);
      } catch (error) {
        reject(error);
      }
    }
  }

  /** False when one of them failed: nothing has changed then, and each is tried alone, to find out whose fault it is. */
  #commitAll(group: readonly Member[]): boolean {
    let results: unknown[];
    try {
      results = this.#transaction(() => group.map(({ work }) => work()));
    } catch {
      return false;
    }
    for (const [index, { resolve }] of group.entries()) resolve(results[index] as never);
    return true;
  }
}
