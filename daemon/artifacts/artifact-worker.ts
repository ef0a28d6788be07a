// Entry of a worker thread: synchronous file work and hashing, away from the daemon's event loop. Does one
// request at a time; is told nothing and keeps nothing between them but its buffer.

import { parentPort } from 'node:worker_threads';
import { QwexError } from '../../shared/errors.ts';
import { READ_BYTES } from './hash.ts';
import { work } from './work.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';

const PROGRESS_BYTES = 64 * READ_BYTES;

if (parentPort === null) throw new Error('artifact-worker is the entry of a worker thread');
const port = parentPort;
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);

port.on('message', (request: ToWorker) => {
  port.postMessage(answer(request));
});

function answer(request: ToWorker): FromWorker {
  try {
    return { kind: 'done', value: work(request, { buffer, onBytes: progress() }) };
  } catch (error) {
    if (!(error instanceof QwexError)) return { kind: 'failed', error };
    const { code, message, hint, details, cause } = error;
    return { kind: 'refused', fields: { code, message, hint, details, cause } };
  }
}

/** Reports big files as they are read; what is left is counted by who reads the answer. */
function progress(): (bytes: number) => void {
  let unreported = 0;
  return (bytes) => {
    unreported += bytes;
    if (unreported < PROGRESS_BYTES) return;
    port.postMessage({ kind: 'progress', bytes: unreported } satisfies FromWorker);
    unreported = 0;
  };
}
