// What the supervisor of a granted run needs to know. Pure.
import type { BoxFile } from '../../shared/box.ts';
import { deviceVariables } from './environment.ts';
import type { LeasePaths } from './files/leases.ts';
import type { BoxPlaces } from './files/places.ts';
import type { Grant } from './plan/types.ts';
import type { OwnGrant } from './types.ts';

export function ownGrantOf(
  { run, devices }: Grant,
  { places, lease, box }: { places: BoxPlaces; lease: LeasePaths; box: Pick<BoxFile, 'source' | 'devices'> },
): OwnGrant {
  return {
    run,
    devices,
    lockPaths: devices.map((device) => places.deviceLock(device)),
    ...lease,
    variables: deviceVariables(devices, box),
  };
}
