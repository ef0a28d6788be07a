// What travels over the watch WebSocket. Text frames are JSON of these shapes; output travels in binary frames
// (see shared/output-frame.ts), so that bytes of any kind arrive as they were written.

import type { RunEvent } from './local.ts';
import type { Run } from './run.ts';

export type WatchMessage =
  /** The run as it is now: first frame, and again at every change. */
  | { type: 'run'; run: Run }
  /** In place of the output itself, for who has asked with `output=lengths`: so many bytes more are in the log. */
  | { type: 'written'; stream: 'stdout' | 'stderr'; offset: number; bytes: number }
  /** The log got shorter under us (truncated by someone); output goes on at `offset`. */
  | { type: 'gap'; stream: 'stdout' | 'stderr'; offset: number }
  /** The run has ended and all its output was sent; the server closes normally after it. */
  | { type: 'end'; run: Run };

export type EventsMessage = { type: 'event'; event: RunEvent } | { type: 'reset'; seq: number };
