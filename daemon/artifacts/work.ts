// The work of the artifact workers, which small pieces of it don't wait for: those are done where they are asked for.

import { capture } from './capture.ts';
import { type Hasher, hashFile } from './hash.ts';
import { inventory } from './inventory.ts';
import { keepLeft } from './left.ts';
import type { Answers, ToWorker } from './worker-messages.ts';

/** Synchronous. */
export function work(message: ToWorker, hasher: Hasher): Answers[keyof Answers] {
  switch (message.kind) {
    case 'capture':
      return capture(message.request);
    case 'inventory':
      return inventory(message.request, hasher);
    case 'left':
      return keepLeft(message.request);
    case 'hash':
      return hashFile(message.request, hasher);
    default:
      return message satisfies never;
  }
}
