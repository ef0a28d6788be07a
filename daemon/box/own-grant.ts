// What the supervisor of a granted run needs to know. Pure.
import type { BoxFile } from '../../shared/box.ts';
import { deviceVariables } from './environment.ts';
import type { BoxPlaces } from './files/places.ts';
import type { Grant } from './plan/types.ts';
import type { OwnGrant } from './types.ts';

export function ownGrantOf(
  { run, devices }: Grant,
  places: BoxPlaces,
  box: Pick<BoxFile, 'source' | 'devices'>,
): OwnGrant {
  return {
    run,
    devices,
    lockPaths: devices.map((device) => places.deviceLock(device)),
    leasePath: places.lease(run),
    lifePath: places.leaseLife(run),
    variables: deviceVariables(devices, box),
  };
}
