// Asks about a tree where it hurts least: a small one here and now, a large one in a thread that lives as long as the
// question. The daemon's event loop must never wait for a large tree.

import { Worker } from 'node:worker_threads';
import { stat } from '../../shared/at-once.ts';
import { type Answers, type Job, type Kind, type Requests, work } from './tree-work.ts';

/** Of a git index or of a record, which have about as many bytes an entry: beyond it a thread is worth its start. */
const LARGE_BYTES = 64 * 1024;

/** Rejects with what went wrong: then nothing is known of the tree. */
export async function ask<K extends Kind>(
  kind: K,
  request: Requests[K],
  { sizedBy = request.file }: { sizedBy?: string } = {},
): Promise<Answers[K]> {
  const job = { kind, request } as Job;
  const { size } = await stat(sizedBy);
  return (size < LARGE_BYTES ? work(job) : await inThread(job)) as Answers[K];
}

function inThread(job: Job): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // The daemon's own flags may not suit a thread (`--input-type` makes it fail).
    const worker = new Worker(workerUrl(), { name: 'spaces', execArgv: [], workerData: job });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the worker ended without an answer')));
  });
}

/** Sources run as they are; the bundle has the worker beside it under the same name. */
function workerUrl(): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.mjs';
  return new URL(`./tree-worker${extension}`, import.meta.url);
}
