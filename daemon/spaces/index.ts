// Everything that qwex does with git, for the rest of the daemon.

export { type SpaceChanges, spaceChanges } from './changes.ts';
export { checkoutCommit, diffCommits } from './checkout.ts';
export { hasCommit, isCommitId, resolveCommit } from './commits.ts';
export { dirtyTreeError, requireClean, untrackedWarning } from './dirty.ts';
export { type EditableRequest, editableRedirects, type Redirects } from './editable.ts';
export type { Space, SpaceRequest } from './furnish.ts';
export { GitKilled } from './git.ts';
export { ignoredTopLevel, type MissingPath, missingFromCommit } from './hints.ts';
export { lfsPointers, lfsWarning } from './lfs.ts';
export { untilOrphansEnd } from './orphans.ts';
export { canPin, listPinned, type Pin, pinCommit, unpinCommits } from './pins.ts';
export { type Place, Places } from './place.ts';
export type { Waiting } from './pool-folder.ts';
export { findPlace, preflight, preflightBeside, type Workspace } from './preflight.ts';
export { type Snapshot, type SnapshotRequest, snapshot } from './snapshot.ts';
export { Spaces } from './spaces.ts';
export { staleEntries } from './stale-entries.ts';
export type { ChangeKind, DirtyFile } from './status.ts';
export type { TrashOptions } from './trash.ts';
