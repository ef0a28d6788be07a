// Names of accounts, which may come from a directory service: asked with getent, remembered, never polled.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TIMEOUT_MS = 3000;
/** A number that has no name isn't asked for again so soon: a process for each decision would be dear. */
const UNKNOWN_MS = 60_000;

export class Accounts {
  readonly #names = new Map<number, string>();
  readonly #uids = new Map<string, number>();
  /** Numbers that had no name, and when they were asked for. */
  readonly #unknown = new Map<number, number>();

  /** Looks up what isn't known yet. A service that doesn't answer leaves numbers for names. */
  async learn(keys: readonly (number | string)[]): Promise<void> {
    const nowMs = performance.now();
    const unknown = [...new Set(keys)].filter((key) =>
      typeof key === 'number' ? this.#isWorthAsking(key, nowMs) : !this.#uids.has(key),
    );
    if (unknown.length === 0) return;
    for (const key of unknown) if (typeof key === 'number') this.#unknown.set(key, nowMs);
    const lines = await getent(unknown.map(String));
    for (const line of lines.split('\n')) {
      const [name, , uid] = line.split(':');
      if (name === undefined || uid === undefined || !/^\d+$/.test(uid)) continue;
      this.#names.set(Number(uid), name);
      this.#unknown.delete(Number(uid));
      this.#uids.set(name, Number(uid));
    }
  }

  #isWorthAsking(uid: number, nowMs: number): boolean {
    const askedMs = this.#unknown.get(uid);
    return !this.#names.has(uid) && (askedMs === undefined || nowMs - askedMs >= UNKNOWN_MS);
  }

  nameOf(uid: number): string {
    return this.#names.get(uid) ?? `uid ${uid}`;
  }

  /** Undefined when nobody has this name. A number stands for itself. */
  uidOf(name: string): number | undefined {
    return /^\d+$/.test(name) ? Number(name) : this.#uids.get(name);
  }
}

async function getent(keys: string[]): Promise<string> {
  try {
    const { stdout } = await run('getent', ['passwd', '--', ...keys], { timeout: TIMEOUT_MS });
    return stdout;
  } catch (error) {
    // Code 2: some are unknown; what is known has been printed. Anything else has told us nothing.
    const stdout = error instanceof Error && 'stdout' in error ? error.stdout : '';
    return typeof stdout === 'string' ? stdout : '';
  }
}
