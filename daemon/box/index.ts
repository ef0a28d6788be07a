// The shared machine, as the rest of the daemon sees it.

export type { ProcessIdentity } from '../supervisor/identity.ts';
export { Box } from './box.ts';
export { findDevices, type Machine } from './devices/index.ts';
export type { FoundDevice } from './devices/source.ts';
export { boxFindings } from './doctor.ts';
export { setDrained } from './drain.ts';
export { deviceVariables } from './environment.ts';
export type { TicketRequest } from './files/tickets.ts';
export { type InitBoxOptions, initBox } from './init.ts';
export { DEFAULT_BOX, preparePrivateBox, sharedBoxRoot } from './private.ts';
export { boxReport } from './report.ts';
export { boxStatus } from './status.ts';
export type { BoxOptions, Explanation, OwnGrant } from './types.ts';
export { clock } from './words.ts';
