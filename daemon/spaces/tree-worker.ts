// Entry of a worker thread that answers one question about a large tree, away from the daemon's event loop.

import { parentPort, workerData } from 'node:worker_threads';
import { work } from './tree-work.ts';

parentPort?.postMessage(work(workerData));
