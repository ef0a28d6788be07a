// Presigned URLs that this server signs itself: one run, one artifact, one deadline, one key. Whoever has the URL may
// fetch that file and nothing else.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { API, fillPath } from '../../shared/api.ts';
import { QwexError } from '../../shared/errors.ts';

const VALID_SECONDS = 15 * 60;

export class DownloadSigner {
  readonly #key: Buffer;
  readonly #now: () => number;

  constructor(key: Buffer, now: () => number = Date.now) {
    this.#key = key;
    this.#now = now;
  }

  /** A URL for one artifact of one run, and when it ends (Unix seconds). */
  sign(id: string, name: string, origin: string): { url: string; expires: number } {
    const expires = Math.floor(this.#now() / 1000) + VALID_SECONDS;
    const query = new URLSearchParams({
      expires: String(expires),
      signature: this.#signature(id, name, expires),
    });
    return { url: `${origin}${fillPath(API.download, { id, name })}?${query}`, expires };
  }

  /** Throws `forbidden` unless the signature is ours and its time isn't over. */
  verify(id: string, name: string, { expires, signature }: { expires: number; signature: string }): void {
    const expected = Buffer.from(this.#signature(id, name, expires), 'hex');
    const given = Buffer.from(signature, 'hex');
    // Decoding stops at what isn't hex, so something behind a good signature shows in its length alone.
    const isWhole = signature.length === 2 * expected.length && given.length === expected.length;
    if (!isWhole || !timingSafeEqual(given, expected)) {
      throw new QwexError({ code: 'forbidden', message: 'the signature of this download URL is not valid' });
    }
    if (expires * 1000 < this.#now()) {
      throw new QwexError({
        code: 'forbidden',
        message: 'this download URL has expired',
        hint: 'ask for a new one',
      });
    }
  }

  #signature(id: string, name: string, expires: number): string {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify(['GET', id, name, expires]))
      .digest('hex');
  }
}
