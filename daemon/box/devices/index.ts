// The devices of a box, by the source that its file names.
import type { BoxFile } from '../../../shared/box.ts';
import { isErrno, QwexError } from '../../../shared/errors.ts';
import { FakeDevices } from './fake.ts';
import { NvidiaDevices } from './nvidia.ts';
import type { ProgramOptions } from './program.ts';
import { RocmDevices } from './rocm.ts';
import type { DeviceSource, FoundDevice, Observation, Observations } from './source.ts';

/** Declared devices do nothing that could be seen. */
class DeclaredDevices implements DeviceSource {
  async find(): Promise<FoundDevice[]> {
    return [];
  }

  async observe(): Promise<Observations> {
    return new Map<string, Observation>();
  }
}

export function sourceOf(box: Pick<BoxFile, 'source' | 'fake'>, options: ProgramOptions = {}): DeviceSource {
  switch (box.source) {
    case 'nvidia':
      return new NvidiaDevices(options);
    case 'rocm':
      return new RocmDevices(options);
    case 'fake':
      return new FakeDevices(box.fake ?? '');
    case 'declared':
      return new DeclaredDevices();
    default:
      return box.source satisfies never;
  }
}

export interface Machine {
  source: BoxFile['source'];
  devices: FoundDevice[];
}

/**
 * What this machine has, by the first driver that shows devices; `declared` and none when there is no driver. A driver
 * that is there and fails counts when no other shows any.
 */
export async function findDevices(options: ProgramOptions = {}): Promise<Machine> {
  const failures: unknown[] = [];
  for (const source of ['nvidia', 'rocm'] as const) {
    try {
      const devices = await sourceOf({ source }, options).find();
      if (devices.length > 0) return { source, devices };
    } catch (error) {
      const isAbsent = (error instanceof QwexError && error.code === 'not_found') || isErrno(error, 'ENOENT');
      if (!isAbsent) failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return { source: 'declared', devices: [] };
}
