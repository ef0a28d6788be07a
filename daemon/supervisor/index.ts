// The supervisor, as the rest of the daemon sees it.

export { type AdoptResult, adoptRun } from './adopt.ts';
export { currentBootId, kernelBootId } from './boot.ts';
export { requestCancel } from './cancel.ts';
export { preventStart } from './claim.ts';
export { watchDeath } from './death.ts';
export { type EndedWatch, watchEnded } from './ended.ts';
export { removeFifos } from './fifos.ts';
export { type Holding, readHolding, writeHolding } from './holding.ts';
export { isAlive, type ProcessIdentity, readIdentity } from './identity.ts';
export {
  END_CAUSES,
  type EndCause,
  type Finished,
  type Inspection,
  inspect,
  inspectNamed,
  type LeftBehind,
} from './inspect.ts';
export { type DeviceHold, environmentBytes, type StartRequest, type SuperviseRequest } from './request.ts';
export { scriptPath, supervisorScript } from './scripts.ts';
export type { SupervisorExit } from './spawn.ts';
export { type StartResult, startSupervisor } from './start.ts';
