// What the daemon's thread and the artifact workers say to each other. Types only.

import type { ErrorFields } from '../../shared/errors.ts';
import type { Captured, CaptureRequest } from './capture.ts';
import type { HashRequest } from './hash.ts';
import type { Inventory, InventoryRequest } from './inventory.ts';
import type { Left, LeftRequest } from './left.ts';
import type { Artifact } from './manifest.ts';

export interface Requests {
  capture: CaptureRequest;
  inventory: InventoryRequest;
  left: LeftRequest;
  hash: HashRequest;
}

export interface Answers {
  capture: Captured;
  inventory: Inventory;
  left: Left;
  /** Null if it isn't there any more. */
  hash: Artifact | null;
}

export type Kind = keyof Requests;

export type ToWorker = { [K in Kind]: { kind: K; request: Requests[K] } }[Kind];

export type FromWorker =
  | { kind: 'progress'; bytes: number }
  | { kind: 'done'; value: Answers[Kind] }
  /** An expected failure; errors lose their class between threads. */
  | { kind: 'refused'; fields: ErrorFields }
  | { kind: 'failed'; error: unknown };
