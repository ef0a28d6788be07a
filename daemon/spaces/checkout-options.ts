// Settings for every git that writes a worktree. Writing files is what takes long, and it goes on in parallel; beyond
// four at once the disk is the limit.

import { availableParallelism } from 'node:os';

export const CHECKOUT = [
  `checkout.workers=${Math.min(availableParallelism(), 4)}`,
  'worktree.useRelativePaths=false', // the worktree is moved when it is complete
  'advice.detachedHead=false',
];
